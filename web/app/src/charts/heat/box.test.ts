// Boxes take whole cells, and reach to all above where they touch the top.
import type { KeyboardEvent } from "react";
import { expect, it } from "vitest";
import { keyed, snapped } from "./box";
import { heatScale } from "./scale";

const scale = heatScale([0, 9].map((bin) => ({ time: "0", low: bin * 10, high: bin * 10 + 10, count: 1 })));
const grid = { step: 30, start: 0, end: 3600, scale };
const key = (name: string, shiftKey = false) => ({ key: name, shiftKey }) as KeyboardEvent;

it("takes the cells that were touched, whole", () => {
  expect(snapped(40, 80, 2.2, 3.1, grid)).toEqual({ start: 30, end: 90, low: 20, high: 40 });
  expect(snapped(40, 40, 2.2, 2.2, grid)).toEqual({ start: 30, end: 60, low: 20, high: 30 });
  expect(snapped(40, 80, 8, 10, grid).high).toBeUndefined();
});

it("moves by arrows, grows with shift, goes with Escape", () => {
  const box = { start: 30, end: 90, low: 20, high: 40 };
  expect(keyed(key("ArrowRight"), box, grid)).toEqual({ start: 60, end: 120, low: 20, high: 40 });
  expect(keyed(key("ArrowUp"), box, grid)).toEqual({ start: 30, end: 90, low: 30, high: 50 });
  expect(keyed(key("ArrowRight", true), box, grid)).toEqual({ start: 30, end: 120, low: 20, high: 40 });
  expect(keyed(key("ArrowUp", true), box, grid)).toEqual({ start: 30, end: 90, low: 20, high: 50 });
  expect(keyed(key("Escape"), box, grid)).toBeUndefined();
  expect(keyed(key("a"), box, grid)).toBeNull();
});
