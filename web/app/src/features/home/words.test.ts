// The words, questions and links of the first page.
import { expect, test } from "vitest";
import type { Answer, Odd, OddFinding } from "../../api/types";
import { sentence } from "../../lib/sentence";
import { compareLink, findingQuestion, servicesOf, stepOf, timeOf, wholeSteps } from "./questions";
import { differenceOf, isBad, refusalText, verdictOf } from "./words";

const odd: Odd = {
  verdict: "typical",
  statement: "all is typical",
  start: "0",
  end: "1",
  flows: 8,
  services: 1,
  flows_left_out: 0,
  days: 5,
  tests: 40,
  found: 0,
  findings: [],
};
const figures = { requests: 800, errors: 67, error_share: 0.08375, p50_ns: 20e6, p99_ns: 40e6, evidence: "" };
const finding: OddFinding = {
  "service.name": "storefront",
  flow: "GET /cart's",
  measure: "errors",
  change: "more",
  statement: "",
  reference: "hour_before",
  hours: 1,
  p_value: 0,
  now: figures,
  usual: { ...figures, error_share: 0.00375 },
  compare: {},
};

test("the verdict is said calmly, with what it rests on", () => {
  expect(verdictOf(odd)).toEqual({
    lead: "All is typical",
    detail: "8 flows of 1 service in the last hour are as usual, compared with this hour on 5 earlier days.",
  });
  expect(verdictOf({ ...odd, verdict: "odd", found: 1 }).lead).toBe("One thing is odd");
  const three = verdictOf({ ...odd, verdict: "odd", found: 3, statement: "`GET /` fails; two more things are odd" });
  expect(three.lead).toBe("3 things are odd");
  expect(three.detail).toContain("GET / fails; two more things are odd. Looked at 8 flows of 1 service");
  expect(verdictOf({ ...odd, tests: 0, statement: "nothing to compare" })).toEqual({
    lead: "Too early to say what is odd",
    detail: "Nothing to compare.",
  });
  expect(verdictOf({ ...odd, verdict: "cannot_tell", statement: "cannot tell: no spans", found: 2 }).detail).toBe(
    "No spans. What was found all the same stands below.",
  );
});

test("a difference has both figures in the words of its measure", () => {
  expect(differenceOf(finding)).toMatchObject({ now: "8.4 %", usual: "0.38 %", reference: "in the hour before" });
  expect(differenceOf({ ...finding, measure: "rate", change: "gone" }).heading).toBe("No requests any more");
  expect(differenceOf({ ...finding, measure: "rate", change: "new" }).usual).toBe("never seen before");
  expect(differenceOf({ ...finding, measure: "latency" }).now).toBe("20 ms");
  expect(isBad(finding)).toBe(true);
  expect(isBad({ measure: "rate", change: "more" })).toBe(false);
});

const [start, end] = ["1795650000000000000", "1795653600000000000"];

test("a rate is seen beside the hour before", () => {
  expect(timeOf({ measure: "errors" }, start, end).from).toBe("2026-11-25T23:40:00.000Z");
  expect(timeOf({ measure: "rate" }, start, end).from).toBe("2026-11-25T22:40:00.000Z");
});

test("the hour of a finding is asked with its text quoted", () => {
  const asked = findingQuestion(finding, start, end);
  expect(asked.where).toContain("name = 'GET /cart''s' AND status_code = 'error'");
  expect(findingQuestion({ ...finding, measure: "tail" }, start, end).calculate).toEqual(["p99(duration_ns)"]);
});

test("a finding's comparison becomes a link", () => {
  const range = { start: "2026-11-25 23:53:39.9Z", end: "2026-11-26 00:53:39.9Z" };
  const rest = compareLink({ from: "spans", range, selection: { where: "a" }, baseline: { where: "b" } });
  expect(rest).toEqual({
    from: "2026-11-25T23:53:39.900Z",
    to: "2026-11-26T00:53:39.900Z",
    selection: "a",
    baseline: "b",
  });
  const earlier = { start: "2026-11-24 23:53:39.9Z", end: "2026-11-25 00:53:39.9Z" };
  const day = compareLink({ selection: { where: "a", range }, baseline: { where: "a", range: earlier } });
  expect(day).toMatchObject({ selection: "a", before: "1d" });
  expect(day.baseline).toBeUndefined();
});

test("three answers are one row for each service", () => {
  const table = (names: string[], ...rows: unknown[][]) =>
    ({ columns: names.map((name) => ({ name, type: "" })), rows }) as unknown as Answer;
  const services = servicesOf(
    table(["service.name", "count", "rate", "p50(duration_ns)"], ["a", 10, 0.5, 100], [null, 2, 0.1, null]),
    table(["service.name", "count"], ["a", 1]),
    table(["time", "service.name", "count"], ["1", "a", 4], ["1", null, 2], ["2", "a", 6], ["2", null, 0]),
  );
  expect(services[0]).toMatchObject({ name: "a", errorShare: 0.1, p50: 100, p99: null, series: [4, 6] });
  expect(services[1]).toMatchObject({ name: null, errorShare: 0, series: [2, 0] });
});

test("steps give about forty pieces", () => {
  expect(stepOf(3_600_000)).toBe("2m");
  expect(stepOf(300_000)).toBe("10s");
  expect(stepOf(7 * 86_400_000)).toBe("6h");
});

test("steps at the edges are left out where there are many", () => {
  expect(wholeSteps([1, 2, 3])).toEqual([1, 2, 3]);
  expect(wholeSteps([0, 1, 1, 1, 1, 1, 1, 1, 0])).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test("refusals are explained", () => {
  expect(refusalText({ reason: "unauthorized" })).toContain("no key");
  expect(refusalText({ reason: "something else" })).toBe("The text below says why.");
  expect(sentence("cannot tell")).toBe("Cannot tell.");
});
