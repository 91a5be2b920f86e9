// Ticks of time axes say the day only where it changes.
import { expect, it } from "vitest";
import { timeLabels } from "./timeAxis";

const at = (text: string) => new Date(text).getTime() / 1000;

it("says the time, and the day once", () => {
  const ticks = [at("2026-11-25T23:50"), at("2026-11-25T23:55"), at("2026-11-26T00:00")];
  expect(timeLabels(ticks, 300)).toEqual(["23:50\n25 Nov", "23:55", "00:00\n26 Nov"]);
  expect(timeLabels([at("2026-11-26T00:00:05")], 5)).toEqual(["00:00:05\n26 Nov"]);
  expect(timeLabels([at("2026-11-26T00:00")], 86_400)).toEqual(["26 Nov"]);
});
