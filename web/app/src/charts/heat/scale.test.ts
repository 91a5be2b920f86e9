// Heatmap axes: linear and growing bins, and the bin below them.
import { describe, expect, it } from "vitest";
import { type Cell, heatScale, heatTicks } from "./scale";

const growing: Cell[] = [0, 3, 59].map((bin) => ({
  time: "0",
  low: 100 * 1.2 ** bin,
  high: 100 * 1.2 ** (bin + 1),
  count: 1,
}));
const even: Cell[] = [0, 58].map((bin) => ({ time: "0", low: 200 + bin * 5, high: 205 + bin * 5, count: 1 }));

describe("the scale of a heatmap", () => {
  it("is linear for even bins", () => {
    const scale = heatScale(even);
    expect([scale.logarithmic, scale.top]).toEqual([false, 59]);
    expect(scale.position(205)).toBeCloseTo(1);
    expect(scale.value(2)).toBeCloseTo(210);
  });

  it("goes by logarithm for bins that grow", () => {
    const scale = heatScale(growing);
    expect([scale.logarithmic, scale.floor, scale.top]).toEqual([true, 0, 60]);
    expect(scale.position(100 * 1.2 ** 3)).toBeCloseTo(3);
    expect(scale.value(60)).toBeCloseTo(100 * 1.2 ** 60, -2);
  });

  it("puts what is not positive into a bin below", () => {
    const scale = heatScale([{ time: "0", low: 0, high: 100, count: 1 }, ...growing]);
    expect(scale.floor).toBe(-1);
    expect(scale.position(0)).toBe(-1);
    expect(scale.value(-1)).toBe(0);
  });

  it("stands empty and single answers", () => {
    expect(heatScale([]).top).toBe(1);
    expect(heatScale([{ time: "0", low: 7, high: 7, count: 1 }]).top).toBe(1);
  });

  it("has ticks at round values", () => {
    expect(heatTicks(heatScale(growing), 8)).toEqual(
      [100, 1000, 10000, 100000, 1000000]
        .slice(0, 4)
        .concat(1e6)
        .filter((one) => one <= 100 * 1.2 ** 60),
    );
    expect(heatTicks(heatScale(even), 6)).toEqual([200, 250, 300, 350, 400, 450]);
  });
});
