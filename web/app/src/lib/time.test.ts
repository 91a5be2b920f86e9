// What people write for a time is understood.
import { expect, test } from "vitest";
import { boundsOf, readMoment, readRange, zoomedOut } from "./time";

test("lengths are understood as they are spoken and as they are written", () => {
  for (const text of ["45m", "last 45 minutes", "45 min", "past 45 mins"])
    expect(readRange(text)).toEqual({ last: "45m" });
  expect(readRange("last hour")).toEqual({ last: "1h" });
  expect(readRange("2h")).toEqual({ last: "2h" });
  expect(readRange("30s")).toEqual({ last: "30s" });
  expect(readRange("500ms")).toEqual({ last: "500ms" });
  expect(readRange("7 days")).toEqual({ last: "7d" });
  expect(readRange("soon")).toBeUndefined();
  expect(readRange("3 moons")).toBeUndefined();
});

test("numbers since 1970 are told apart by their size", () => {
  for (const text of ["1795650479", "1795650479000", "1795650479000000", "1795650479000000000"]) {
    expect(readMoment(text)).toBe(1_795_650_479_000);
  }
});

test("a moment means the minutes around it", () => {
  expect(readRange("2026-11-26T09:00:00Z")).toEqual({
    from: "2026-11-26T08:55:00.000Z",
    to: "2026-11-26T09:05:00.000Z",
  });
});

test("a second time without a day is on the day of the first", () => {
  expect(readRange("2026-11-26 09:00 to 10:30", true)).toEqual({
    from: "2026-11-26T09:00:00.000Z",
    to: "2026-11-26T10:30:00.000Z",
  });
  expect(readRange("2026-11-26 09:00 to 08:00", true)).toBeUndefined();
});

test("twice as long goes both ways, but not past now", () => {
  expect(zoomedOut({ last: "1h" }).last).toBe("2h");
  const now = Date.parse("2026-11-26T10:00:00Z");
  const wider = zoomedOut({ from: "2026-11-26T08:00:00Z", to: "2026-11-26T10:00:00Z" }, now);
  expect(boundsOf(wider, now)).toEqual({ start: now - 3 * 3_600e3, end: now });
});
