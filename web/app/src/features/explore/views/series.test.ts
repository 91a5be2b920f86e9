// Rows of time and group become lines of the same length.
import { expect, it } from "vitest";
import { readSeries } from "./series";

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
