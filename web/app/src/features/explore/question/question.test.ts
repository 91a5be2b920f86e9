// The address becomes the API's question, and the question an address.
import { describe, expect, it } from "vitest";
import { readExploreSearch, type View } from "../search";
import { type Address, addressOf, bodyOf, readQuestion, renamed, seriesBody, stepOf, whereOf } from "./question";

const slow: Address = {
  last: "1h",
  table: "spans",
  group: ["http.route"],
  calculate: ["count", "p99(duration_ns)"],
  having: "count > 10",
  order: ["-count"],
  limit: 5,
  where: [{ field: "service.name", operator: "=", value: "shop" }],
};

describe("the question", () => {
  it("has what suits its table where the address says nothing", () => {
    expect(readQuestion({}).group).toEqual(["service.name"]);
    expect(readQuestion({}).heat).toBe("duration_ns");
    expect(readQuestion({ calculate: ["count"] }).group).toEqual([]);
    expect(readQuestion({ group: ["user.id"] }).calculate).toContain("count");
  });

  it("takes heatmaps apart from the other calculations", () => {
    const question = readQuestion({ calculate: ["heatmap(db.rows)", "count"] });
    expect(question.heat).toBe("db.rows");
    expect(question.calculate).toEqual(["count"]);
  });

  it("comes back from its body as the same address", () => {
    for (const view of ["table", "series"] as View[]) {
      const back = addressOf(JSON.stringify(bodyOf(slow, view)), slow);
      expect(back).toMatchObject(view === "table" ? slow : { ...slow, step: "30s" });
    }
  });

  it("keeps a condition that the chips do not say", () => {
    const back = addressOf('{"from": "logs", "where": "a = 1 OR b = 2"}', slow) as Address;
    expect(back.where).toBeUndefined();
    expect(whereOf(back)).toBe("a = 1 OR b = 2");
    expect(back.view).toBe("events");
  });

  it("says why a body is none", () => {
    expect(addressOf("{", {})).toMatch(/JSON|property/);
    expect(addressOf('{"from": "cats"}', {})).toContain("spans, logs, metrics");
  });

  it("fills steps with nought only if that is true of every calculation", () => {
    expect(seriesBody({ calculate: ["count", "sum(x)"] }).fill).toBe("zero");
    expect(seriesBody({ calculate: ["count", "p99(x)"] }).fill).toBe("null");
    expect(seriesBody({ calculate: ["count_distinct(x)"] }).fill).toBe("null");
    expect(seriesBody({ table: "metrics", calculate: ["rate(value)"] }).fill).toBe("null");
  });
  it("limits groups, never the steps of a single line", () => {
    expect(seriesBody({ group: ["name"], calculate: ["count"] }).limit).toBe(8);
    expect(seriesBody({ calculate: ["count"], limit: 3 }).limit).toBeUndefined();
  });
  it("asks for the chosen metric alone, in steps that each have a point", () => {
    const search: Address = { table: "metrics", metric: "it's", calculate: ["avg(value)"], last: "15m" };
    expect(whereOf({ ...search, condition: "a = 1" })).toBe("name = 'it''s' AND (a = 1)");
    expect(whereOf({ ...search, table: "spans" })).toBeUndefined();
    expect(stepOf(search, 180)).toBe("1m");
  });

  it("chooses steps by the range", () => {
    expect(stepOf({ last: "1h" }, 180)).toBe("30s");
    expect(stepOf({ last: "52w" }, 100)).toBe("4d");
    expect(stepOf({ last: "1h", step: "5m" }, 180)).toBe("5m");
  });

  it("takes another name for a field everywhere", () => {
    const search = renamed(
      { ...slow, calculate: ["p99(durations)"], order: ["-p99(durations)"] },
      "durations",
      "duration_ns",
    );
    expect(search.calculate).toEqual(["p99(duration_ns)"]);
    expect(search.order).toEqual(["-p99(duration_ns)"]);
  });

  it("leaves out of the address what it cannot read", () => {
    expect(readExploreSearch({ limit: "many", view: "cake", group: [] })).toEqual(readExploreSearch({}));
    expect(readExploreSearch({ limit: 7, view: "table" })).toMatchObject({ limit: 7, view: "table" });
  });
});
