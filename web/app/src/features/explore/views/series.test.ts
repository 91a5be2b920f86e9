// Rows of time and group become lines of the same length.
import { expect, it } from "vitest";
import { readSeries, wholeSteps } from "./series";

it("makes lines of the rows, with gaps where a group has no row", () => {
  const rows = [
    ["2000000000", "shop", 3, 0.5],
    ["2000000000", null, 1, null],
    ["3000000000", "shop", 4, "9007199254740993"],
  ];
  const series = readSeries({ columns: [], rows }, 1, ["count", "p99(x)"]);
  expect(series.groups).toEqual([["shop"], [null]]);
  expect(series.times).toEqual([2, 3]);
  expect(series.values.get("count")).toEqual([
    [3, 4],
    [1, null],
  ]);
  expect(series.values.get("p99(x)")).toEqual([
    [0.5, 9007199254740992],
    [null, null],
  ]);
});

it("has the order of the step in which most groups have events", () => {
  const rows = [
    ["1000000000", "b", 2],
    ["1000000000", "a", null],
    ["2000000000", "a", 9],
    ["2000000000", "b", 3],
  ];
  expect(readSeries({ columns: [], rows }, 1, ["count"]).groups).toEqual([["a"], ["b"]]);
});

it("leaves out the figures of steps that are not whole", () => {
  expect(wholeSteps([0, 10, 20], [1, 2, 3], 10, 5, 29)).toEqual([null, 2, null]);
});
