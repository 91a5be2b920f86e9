// Whole traces: the statement names only ids, and rows come in the order asked.
import { expect, it } from "vitest";
import { readTraces, tracesStatement } from "./traces";

const [one, two] = ["a".repeat(32), "b".repeat(32)];

it("asks for an hour around the time, and for nothing that is no id", () => {
  const search = { from: "2026-11-26T00:00:00Z", to: "2026-11-26T01:00:00Z" };
  const statement = tracesStatement([one, "x') OR ('1' = '1"], search, 0);
  expect(statement).toContain(`trace_id IN ('${one}')`);
  expect(statement).toContain("time >= '2026-11-25T23:00:00.000Z' AND time < '2026-11-26T02:00:00.000Z'");
});

it("gives traces in the order asked, and leaves out those that are gone", () => {
  const rows = [
    [two, "5", 3, 0, ["shop", null], null, null, 7],
    [one, "4", 2, 1, ["pay"], "GET /", "shop", "12"],
  ];
  const traces = readTraces({ rows }, [one, "c".repeat(32), two]);
  expect(traces.map((trace) => trace.id)).toEqual([one, two]);
  expect(traces[0]).toMatchObject({ root: "GET /", duration: 12, errors: 1 });
  expect(traces[1]).toMatchObject({ root: undefined, services: ["shop"] });
});
