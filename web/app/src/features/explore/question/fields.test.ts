// What the builder suggests for what was typed.
import { expect, it } from "vitest";
import { isWhole, suggestCalculations } from "./fields";

const all = ["name", "duration_ns", "db.rows"];
const numeric = ["duration_ns", "db.rows"];

it("suggests functions of fields by either part", () => {
  expect(suggestCalculations("p99(dur", all, numeric, [])).toEqual(["p99(duration_ns)"]);
  expect(suggestCalculations("rows", all, numeric, [])).toContain("avg(db.rows)");
  expect(suggestCalculations("count_d", all, numeric, [])).toContain("count_distinct(name)");
  expect(suggestCalculations("", all, numeric, ["count"])).not.toContain("count");
  expect(suggestCalculations("", all, numeric, [])).toContain("heatmap(duration_ns)");
  expect(suggestCalculations("count(na", all, numeric, [])).toEqual(["count(name)"]);
});

it("knows what is written to its end", () => {
  for (const one of ["count", "p99.9(a)", "count_distinct(user.id)"]) expect(isWhole(one)).toBe(true);
  for (const one of ["p99", "p99(dur", "dur"]) expect(isWhole(one)).toBe(false);
});

it("knows counters and histograms of metrics", () => {
  expect(suggestCalculations("incr", ["value"], ["value"], [], ["increase(value)"])).toContain("increase(value)");
  expect(suggestCalculations("incr", all, numeric, [])).not.toContain("increase(value)");
});
