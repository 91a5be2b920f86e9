// Figures have the unit that the name of their column, or the metric, says.
import { describe, expect, it } from "vitest";
import { formatCell, formatOf, formatOfMetric } from "./units";

describe("a column", () => {
  const check = (name: string, value: unknown, expected: string) =>
    expect(formatOf(name)(value), `${name} ${value}`).toBe(expected);
  it("is a duration, bytes, or a share by its name", () => {
    check("duration_ns", 1_240_000, "1.24 ms");
    check("p99(duration_ns)", 2_500_000_000, "2.50 s");
    check("p99_ms", 812, "812 ms");
    check("db.wait_seconds", 0.5, "500 ms");
    check("http.response.body.size", 2048, "2 KiB");
    check("sum(heap_bytes)", 1024 ** 3, "1 GiB");
    check("error_share", 0.034, "3.4 %");
    check("cpu_percent", 71.5, "71.5 %");
  });
  it("is a plain count where it only counts", () => {
    check("count", 1204331, "1,204,331");
    check("count_distinct(duration_ns)", 12, "12");
    check("heatmap(duration_ns)", 5, "5");
    check("rate", 12, "12/s");
    check("server.port", 5432, "5432");
    check("rows", 5432, "5,432");
  });
  it("says what is missing, and keeps text as it is", () => {
    check("duration_ns", null, "–");
    check("name", "1e3", "1e3");
    check("duration_ns", "9007199254740993", "2502 h");
  });
});

it("a metric has the unit that was sent with it", () => {
  expect(formatOfMetric("p99(histogram)", "s")(0.25)).toBe("250 ms");
  expect(formatOfMetric("rate(value)", "By")(2048)).toBe("2 KiB/s");
  expect(formatOfMetric("increase(count)", "s")(12)).toBe("12");
  expect(formatOfMetric("rate(count)", "ms")(12)).toBe("12/s");
  expect(formatOfMetric("avg(value)", "{connection}")(7)).toBe("7");
  expect(formatOfMetric("max(value)", "%")(80)).toBe("80 %");
});

it("a cell of text is never taken for a number", () => {
  expect(formatCell("007", { name: "took_ms", type: "string" })).toBe("007");
  expect(formatCell(7, { name: "took_ms", type: "int64" })).toBe("7 ms");
});
