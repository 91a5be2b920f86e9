// A box on the heatmap becomes a condition, exact to the nanosecond.
import { describe, expect, it } from "vitest";
import { boxChips, boxCondition, readBox, rfc3339, writeBox } from "./box";

const box = {
  start: "1795650450000000000",
  end: "1795650510000000001",
  low: 244497.28,
  high: 287239.67,
  field: "duration_ns",
};

describe("the box", () => {
  it("stands in the address and comes back", () => {
    expect(readBox(writeBox(box))).toEqual(box);
    expect(readBox(writeBox({ ...box, high: undefined }))).toEqual({ ...box, high: undefined });
    expect(readBox(writeBox({ ...box, field: "a,b" }))?.field).toBe("a,b");
  });

  it("is none if it is empty or not a box", () => {
    for (const text of [undefined, "", "1,2,3", "5,5,1,2,x", "5,6,2,1,x", "5,6,a,2,x"])
      expect(readBox(text)).toBeUndefined();
  });

  it("is a condition with whole nanoseconds", () => {
    expect(boxCondition(box, "kind = 'server'")).toBe(
      "kind = 'server' AND time >= '2026-11-25T23:47:30Z' AND time < '2026-11-25T23:48:30.000000001Z'" +
        " AND duration_ns >= 244498 AND duration_ns < 287240",
    );
  });

  it("has no upper limit where it reaches the top, and quotes names", () => {
    expect(boxCondition({ ...box, high: undefined, field: "app.odd-key" }, undefined)).toContain(
      '"app.odd-key" >= 244497.28',
    );
    expect(boxCondition({ ...box, high: undefined }, undefined)).not.toContain("duration_ns <");
  });

  it("becomes time and chips, in place of an earlier box", () => {
    const once = boxChips(box, [{ field: "kind", operator: "=", value: "server" }]);
    expect(once.where).toHaveLength(3);
    expect(boxChips({ ...box, low: 250000 }, once.where).where).toHaveLength(3);
  });

  it("writes moments with all their digits", () => {
    expect(rfc3339("1795650450000000001")).toBe("2026-11-25T23:47:30.000000001Z");
  });
});
