// What is offered for a metric fits its kind.
import { expect, it } from "vitest";
import { calculationsOf, metricsOf, unitWords } from "./metrics";

it("is read once by its name, in the way it was sent most", () => {
  const found = metricsOf({
    rows: [
      ["requests", "sum", "{request}", true, 90, "2"],
      ["memory", "gauge", "By", null, 30, "3"],
      ["requests", "gauge", null, null, 4, "1"],
    ],
  });
  expect(found.map(({ name, kind, isCounter }) => [name, kind, isCounter])).toEqual([
    ["memory", "gauge", false],
    ["requests", "sum", true],
  ]);
});

it("has rates where it counts, percentiles where it has buckets, and averages where it may fall", () => {
  const usual = (kind: string, isCounter: boolean) => calculationsOf({ kind, isCounter }).usual;
  expect(usual("sum", true)).toEqual(["rate(value)"]);
  expect(usual("exponential_histogram", false)).toContain("p99(histogram)");
  expect(usual("sum", false)).toEqual(["avg(value)"]);
  expect(usual("summary", false)).toEqual(["rate(count)"]);
});

it("has its unit in words", () => {
  expect(unitWords("rate(value)", "{request}")).toBe("request per second");
  expect(unitWords("avg(value)", "1")).toBe("");
  expect(unitWords("rate(count)", "s")).toBe("per second");
  expect(unitWords("p99(histogram)", "s")).toBe("");
});
