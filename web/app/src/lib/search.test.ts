// What is in an address is read, and becomes the condition that the API takes.
import { expect, test } from "vitest";
import { conditionOf, invertChip, readSearch, withChip } from "./search";

test("what is not understood is left out", () => {
  expect(readSearch({ last: "now", where: [{ field: "a" }, 3, { field: "a", operator: "=", value: 1 }] })).toEqual({
    where: [{ field: "a", operator: "=", value: 1 }],
  });
  expect(readSearch({ from: 1_795_650_479, last: "1h" })).toEqual({ from: "1795650479" });
});

test("chips become a condition", () => {
  expect(conditionOf([])).toBeUndefined();
  expect(
    conditionOf([
      { field: "user.id", operator: "=", value: "O'Hara" },
      { field: "http-x", operator: "exists", value: null },
      { field: "duration_ns", operator: ">", value: 5 },
    ]),
  ).toBe(`user.id = 'O''Hara' AND "http-x" IS NOT NULL AND duration_ns > 5`);
  expect(conditionOf([{ field: "a", operator: "!=", value: "b" }])).toBe("(a IS NULL OR a <> 'b')");
});

test("an inverted chip takes the place of the one that it contradicts", () => {
  const chip = { field: "a", operator: "=", value: "b" } as const;
  expect(withChip([chip], invertChip(chip))).toEqual([{ field: "a", operator: "!=", value: "b" }]);
});

test("a page is live only as long as the time has no end", () => {
  expect(readSearch({ last: "15m", live: true })).toEqual({ last: "15m", live: true });
  expect(readSearch({ live: false })).toEqual({ live: false });
  expect(readSearch({ from: "2026-11-26", live: true })).toEqual({ from: "2026-11-26" });
  expect(readSearch({ live: "yes" })).toEqual({});
});
