// Questions are remembered once each, the newest first, and not without end.
import { beforeEach, expect, it } from "vitest";
import { readAsked, remember } from "./history";

beforeEach(() => localStorage.clear());

it("remembers a question once, however it was looked at, and fifty in all", () => {
  for (let index = 0; index < 60; index++) remember({ limit: index + 1 }, index);
  remember({ limit: 40, view: "table" }, 99);
  expect(readAsked()).toHaveLength(50);
  expect(readAsked()[0]).toEqual({ search: { limit: 40, view: "table" }, at: 99 });
  expect(readAsked().filter((one) => one.search.limit === 40)).toHaveLength(1);
});

it("starts anew if what is kept is broken", () => {
  localStorage.setItem("crawlspace.explore.asked", "{");
  expect(readAsked()).toEqual([]);
});
