// Trees from spans as they come: in any order, incomplete, wrong.
import { describe, expect, it } from "vitest";
import type { LogRecord, Span } from "../../../api/types";
import { toJaeger } from "../files/jaeger";
import { buildTrace } from "./build";
import { carryFolding, carrying, carryRow } from "./carry";
import { findSpans } from "./find";
import { readTraceId } from "./id";
import { foldAll, foldOneLevel, keyOf, reveal, rowsOf } from "./rows";
import { shapeOfOutline, shapeOfTrace } from "./shape";
import { compareTraces, groupSpans } from "./statistics";

const base = 1_795_653_695_892_914_255n;

function span(
  id: string,
  parent: string | null,
  start: number,
  duration: number | null,
  more: Partial<Span> = {},
): Span {
  return {
    span_id: id,
    parent_span_id: parent,
    name: `op ${id}`,
    kind: "internal",
    time: String(base + BigInt(start)),
    received_at: String(base),
    duration_ns: duration,
    status_code: "unset",
    "service.name": "shop",
    sample_weight: 1,
    attributes: {},
    resource: {},
    scope: {},
    links: [],
    events: [],
    ...more,
  };
}
const build = (spans: Span[], logs: LogRecord[] = []) =>
  buildTrace(shapeOfTrace({ trace_id: "ab".repeat(16), spans, logs, damaged_parts: 0 }));
const open = { closed: new Set<number>(), openGroups: new Set<string>(), errorsOnly: false };
const order = (trace: ReturnType<typeof build>) => trace.nodes.map((node) => `${"-".repeat(node.depth)}${node.id}`);

describe("an outline", () => {
  it("makes the tree that the whole makes, but for what only the whole says", () => {
    const spans = [
      span("a", null, 0, 100, { kind: "server" }),
      span("b", "a", 10, 20, { status_code: "error", links: [{ trace_id: "cd".repeat(16), span_id: "01" }] }),
      span("x", "gone", 40, null, { events: [{ time: String(base + 50n), name: "retry", attributes: {} }] }),
    ];
    const whole = build(spans);
    const outline = buildTrace(
      shapeOfOutline({
        trace_id: "ab".repeat(16),
        base_time: String(base),
        texts: ["op a", "server", "unset", "shop", "op b", "internal", "error", "op x", "retry"],
        spans: {
          span_id: ["a", "b", "x"],
          parent: [-1, 0, -2],
          name: [0, 4, 7],
          "service.name": [3, 3, 3],
          kind: [1, 5, 5],
          status_code: [2, 6, 2],
          start_ns: [0, 10, 40],
          duration_ns: [100, 20, null],
          linked: [1],
        },
        events: { span: [2], time_ns: [50], name: [8] },
        logs: { span: [], time_ns: [], severity_number: [] },
        damaged_parts: 0,
      }),
    );
    const bare = (trace: typeof whole) => ({
      ...trace,
      whole: null,
      nodes: trace.nodes.map((node) => ({ ...node, span: null })),
    });
    expect(bare(outline)).toEqual(bare(whole));
    expect([outline.whole, outline.nodes[0]?.span, whole.nodes[0]?.span?.name]).toEqual([false, null, "op a"]);
    expect(findSpans(outline, "op b error")).toEqual([1]);
  });
});

describe("what is folded", () => {
  it("stays folded when spans have come since", () => {
    const early = build([span("a", null, 0, 100), span("b", "a", 10, 20), span("c", "b", 11, 5)]);
    const late = build([
      span("a", null, 0, 100),
      span("new", "a", 5, 2),
      span("b", "a", 10, 20),
      span("c", "b", 11, 5),
    ]);
    const carry = carrying(early, late);
    expect(carrying(early, build(early.nodes.map((node) => node.span as Span)))).toBeNull();
    if (!carry) throw new Error("places have moved");
    const folding = { closed: new Set([1]), openGroups: new Set(["1 shop internal op c"]), errorsOnly: true };
    expect(carryFolding(folding, carry)).toEqual({
      closed: new Set([2]),
      openGroups: new Set(["2 shop internal op c"]),
      errorsOnly: true,
    });
    expect([carryRow("s1", carry), carryRow("-1 shop", carry)]).toEqual(["s2", "-1 shop"]);
  });
});

describe("the tree", () => {
  it("puts children behind their parents by time, whatever the order they came in", () => {
    const trace = build([
      span("c", "b", 30, 10),
      span("d", "a", 20, 5),
      span("b", "a", 25, 50),
      span("a", null, 0, 100),
    ]);
    expect(order(trace)).toEqual(["a", "-d", "-b", "--c"]);
    expect(trace.nodes[0]).toMatchObject({ last: 4, self: 45, start: 0 });
    expect(trace.origin).toBe(base);
  });
  it("marks missing parents and keeps their spans at their time", () => {
    const trace = build([span("a", null, 50, 100), span("x", "gone", 10, 20)]);
    expect(order(trace)).toEqual(["x", "a"]);
    expect(trace.counts.missingParents).toBe(1);
    expect(trace.nodes[trace.main]?.span?.span_id).toBe("a");
  });
  it("cuts rings, also of one span, and keeps every span", () => {
    const trace = build([
      span("a", "c", 0, 9),
      span("b", "a", 1, 9),
      span("c", "b", 2, 9),
      span("s", "s", 3, 1),
      span("t", "b", 4, 1),
    ]);
    expect(order(trace)).toEqual(["a", "-b", "--c", "--t", "s"]);
    expect(trace.counts.cycles).toBe(2);
  });
  it("counts spans stored twice once, and prefers the one that has ended", () => {
    const trace = build([span("a", null, 0, null), span("a", null, 0, 7)]);
    expect(trace.nodes).toHaveLength(1);
    expect(trace.counts).toMatchObject({ twice: 1, unfinished: 0 });
  });
  it("marks skewed clocks and spans without an end", () => {
    const trace = build([span("a", null, 10, 100), span("b", "a", 0, 20), span("c", "a", 30, null)]);
    expect(trace.counts).toMatchObject({ skewed: 1, unfinished: 1 });
    expect(trace.nodes.find((node) => node.id === "c")?.end).toBe(110);
  });
  it("has the log records on their spans", () => {
    const record = { attributes: {}, resource: {}, scope: {}, body: "slow", span_id: "a", time: String(base + 5n) };
    const trace = build([span("a", null, 0, 10)], [record]);
    expect(trace.logs[0]).toMatchObject({ at: 5, node: 0 });
    expect(findSpans(trace, "SLOW")).toEqual([0]);
  });
});

describe("times", () => {
  it("finds what the end of the trace waited for", () => {
    const trace = build([
      span("a", null, 0, 100),
      span("b", "a", 10, 30),
      span("c", "a", 20, 60),
      span("d", "c", 30, 90),
    ]);
    const critical = Object.fromEntries(trace.nodes.map((node) => [node.id, node.critical]));
    expect(critical).toEqual({ a: 40, b: 0, c: 10, d: 50 });
    expect(trace.nodes[0]?.criticalParts).toEqual([
      [80, 100],
      [0, 20],
    ]);
  });
  it("counts overlapping children once in the self time", () => {
    const trace = build([
      span("a", null, 0, 100),
      span("b", "a", 10, 30),
      span("c", "a", 20, 30),
      span("d", "a", 90, 30),
    ]);
    expect(trace.nodes[0]?.self).toBe(50);
  });
});

describe("rows", () => {
  const many = Array.from({ length: 120 }, (_, place) =>
    span(`k${place}`, "a", place, 1, { name: "SELECT", status_code: place === 7 ? "error" : "unset" }),
  );
  const trace = build([span("a", null, 0, 200), ...many, span("z", "a", 150, 1), span("y", "z", 150, 1)]);
  it("puts many alike into one row and opens it", () => {
    const rows = rowsOf(trace, open);
    expect(rows.map((row) => row.kind)).toEqual(["span", "group", "span", "span"]);
    const key = rows[1] ? keyOf(rows[1]) : "";
    expect(rowsOf(trace, { ...open, openGroups: new Set([key]) })).toHaveLength(124);
  });
  it("shows only errors and the way to them", () => {
    const rows = rowsOf(trace, { ...open, errorsOnly: true });
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({ kind: "group", errors: 1, members: [8] });
  });
  it("folds all, one level at a time, and reveals what is looked for", () => {
    expect(rowsOf(trace, { ...open, closed: foldAll(trace) })).toHaveLength(1);
    const once = foldOneLevel(trace, new Set(), false);
    expect(rowsOf(trace, { ...open, closed: once })).toHaveLength(3);
    expect(foldOneLevel(trace, once, true).size).toBe(0);
    const y = trace.byId.get("k50") ?? -1;
    const shown = rowsOf(trace, reveal(trace, y, { ...open, closed: foldAll(trace) }));
    expect(shown.some((row) => row.kind === "span" && row.node === y)).toBe(true);
  });
});

describe("sums and files", () => {
  it("sums by field, and the shares are of the whole", () => {
    const trace = build([span("a", null, 0, 100), span("b", "a", 0, 60, { "service.name": "stock" })]);
    const groups = groupSpans(trace, ["service.name"]);
    expect(groups.map((group) => [group.key, group.self, group.share])).toEqual([
      ["stock", 60, 0.6],
      ["shop", 40, 0.4],
    ]);
    const other = build([span("a", null, 0, 100)]);
    expect(compareTraces(trace, other).map((one) => one.self)).toEqual([-60, 60]);
  });
  it("writes what Jaeger reads", () => {
    const text = JSON.stringify(
      toJaeger({ trace_id: "ab", spans: [span("a", "p", 0, 5000)], logs: [], damaged_parts: 0 }),
    );
    expect(text).toContain('"references":[{"refType":"CHILD_OF","traceID":"ab","spanID":"p"}]');
    expect(text).toContain('"duration":5');
  });
  it("reads ids as they are pasted", () => {
    const id = "4bf92f3577b34da6a3ce929d0e0e4736";
    expect(readTraceId(`00-${id}-00f067aa0ba902b7-01`)).toBe(id);
    expect(readTraceId("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736 ")).toBe(id);
    expect(readTraceId("0".repeat(32))).toBeUndefined();
  });
});

describe("a large trace", () => {
  it("of 50,000 spans, deep and wide, is built in linear time", () => {
    const spans = Array.from({ length: 50_000 }, (_, place) =>
      span(`n${place}`, place ? `n${place < 20_000 ? place - 1 : place % 20_000}` : null, place, 1_000_000),
    );
    const started = performance.now();
    const trace = build(spans);
    const rows = rowsOf(trace, open);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(rows).toHaveLength(50_000);
  });
});
