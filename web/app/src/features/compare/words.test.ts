// The words and conditions of the compare page.
import { expect, test } from "vitest";
import { allOf, commonOf, corrected, emptySide, questionOf, sidesOf } from "./question";
import { readCompareSearch } from "./search";
import { chanceText, chipOf, countText, partsOf, sizeText, testText, verdictText } from "./words";

test("conditions are put together so that an OR of one stays its own", () => {
  expect(allOf(["a = 1 OR b = 2", undefined, " c = 3 "])).toBe("(a = 1 OR b = 2) AND (c = 3)");
  expect(allOf([undefined, "a = 1"])).toBe("a = 1");
  expect(allOf(["", undefined])).toBeUndefined();
});

test("nothing selected is no question", () => {
  expect(questionOf({})).toBeUndefined();
});

test("the rest is asked without a baseline, and chips hold for both sides", () => {
  expect(questionOf({ last: "1h", selection: "a = 1" })).toEqual({
    from: "spans",
    range: { last: "1h" },
    selection: { where: "a = 1" },
  });
  const chips = [{ field: "name", operator: "=" as const, value: "GET /" }];
  expect(questionOf({ selection: "a = 1", where: chips })?.baseline).toEqual({ where: "name = 'GET /'" });
});

test("the time before is as long, and has the same condition", () => {
  const now = Date.parse("2026-11-26T10:00:00Z");
  const asked = questionOf({ last: "1h", selection: "a = 1", before: "period" }, now);
  expect(asked?.selection.range).toEqual({ start: "2026-11-26T09:00:00.000Z", end: "2026-11-26T10:00:00.000Z" });
  expect(asked?.baseline).toEqual({
    where: "a = 1",
    range: { start: "2026-11-26T08:00:00.000Z", end: "2026-11-26T09:00:00.000Z" },
  });
  expect(questionOf({ last: "1h", before: "1d" }, now)?.baseline?.range?.start).toBe("2026-11-25T09:00:00.000Z");
});

test("an address with a slip is read without it", () => {
  expect(readCompareSearch({ selection: "x", before: "yesterday" }).before).toBeUndefined();
  expect(readCompareSearch({ before: "24h" }).before).toBe("24h");
});

test("sides are told in words", () => {
  expect(sidesOf({ selection: "a = 1" }).baseline).toBe("the rest of the same time");
  expect(sidesOf({ before: "1d" })).toEqual({ selection: "all events", baseline: "the same, 1d earlier" });
});

test("a slip in a name is put right, and a side without events is no fault", () => {
  const refusal = {
    status: 400,
    detail: "unknown field `statuscode`: did you mean `status_code`?",
    suggestion: "status_code",
  };
  expect(corrected({ selection: "statuscode = 'error'" }, refusal)?.selection).toBe("status_code = 'error'");
  expect(corrected({ selection: "a = 1" }, refusal)).toBeUndefined();
  expect(emptySide(refusal)).toBeUndefined();
  const rest = "all events of spans in that range are in the selection: there is no rest to compare with";
  expect(emptySide({ status: 400, detail: rest })).toContain("there is no rest");
  const none = "no event of spans is in the selection: widen its range";
  expect(emptySide({ status: 400, detail: none })).toContain("fits the selection");
});

test("what both sides have is told once", () => {
  const both = "(a IS NULL OR b IN ('x AND y')) AND c = 1";
  expect(commonOf(`${both} AND d = 1`, `${both} AND d <> 1`)).toBe(`${both} AND `);
  expect(commonOf("a = 1 AND b = 1 OR c = 1", "a = 1 AND b = 2")).toBe("");
  expect(commonOf("a = 1", "b = 1")).toBe("");
  expect(sidesOf({ selection: "a = 1 AND b = 1", baseline: "a = 1 AND b = 2" })).toEqual({
    both: "a = 1",
    selection: "b = 1",
    baseline: "b = 2",
  });
});

test("a value is read as what it is", () => {
  expect(testText("duration_ns", { test: "at_least", value: 812e6 })).toBe("at least 812 ms");
  expect(testText("http.response.status_code", { test: "is", value: 500 })).toBe("500");
  expect(testText("x", { test: "is", value: "" })).toBe("an empty text");
  expect(testText("x", { test: "absent", value: null })).toBe("is missing");
});

test("a value becomes a chip where a chip can hold it", () => {
  expect(chipOf("x", { test: "below", value: 5 })).toEqual({ field: "x", operator: "<", value: 5 });
  expect(chipOf("x", { test: "present", value: null })).toEqual({ field: "x", operator: "exists", value: null });
  expect(chipOf("x", { test: "is", value: ["a"] })).toBeUndefined();
});

test("chances are bounds", () => {
  expect(chanceText(2e-300)).toBe("chance: less than one in a million");
  expect(chanceText(0.0004)).toBe("chance: less than one in 2,000");
  expect(chanceText(0.018)).toBe("chance: at most 1.8 %");
  expect(countText(0.5, 1749)).toBe("875 of 1,749");
});

test("a name with marks of its own does not change the sentence", () => {
  expect(partsOf("`a`b` is `x`", "a`b").map((part) => part.text)).toEqual(["a`b", " is `x`"]);
  expect(partsOf("`k` is \u202ex", "k")[1]?.text).toBe(" is \ufffdx");
  expect(partsOf("nothing tells them apart")).toEqual([{ text: "nothing tells them apart", name: false }]);
});

test("the verdict is a sentence with what follows from it", () => {
  expect(verdictText({ verdict: "nothing", summary: "nothing tells them apart" }).lead).toBe(
    "Nothing tells them apart",
  );
  expect(verdictText({ verdict: "cannot tell", summary: "1 trace is too few" })).toEqual({
    lead: "This cannot be told",
    advice: "1 trace is too few.",
  });
  expect(sizeText({ events: 1, traces: 1 })).toBe("1 event of 1 trace");
  expect(sizeText({ events: 1749, traces: 809 })).toBe("1,749 events of 809 traces");
  expect(verdictText({ verdict: "different", summary: "`a` is 1" }).advice).toBeUndefined();
  expect(partsOf("`a.b` is there", "a.b")).toEqual([
    { text: "a.b", name: true },
    { text: " is there", name: false },
  ]);
});
