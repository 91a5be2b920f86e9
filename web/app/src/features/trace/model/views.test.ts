// What is made of a trace besides its tree: the flame graph's lines, the shown part of time, and files.
import { describe, expect, it } from "vitest";
import type { Span } from "../../../api/types";
import { readTraceFile } from "../files/file";
import { toJaeger } from "../files/jaeger";
import { toOtlp } from "../files/otlp";
import { axisTimes, pan, place, readWindow, writeWindow, zoom } from "../waterfall/window";
import { buildTrace } from "./build";
import { layOutFlame, spanAt } from "./flame";
import { choosePeers } from "./peers";
import { shapeOfTrace } from "./shape";

function span(id: string, parent: string | null, start: number, duration: number): Span {
  return {
    span_id: id,
    parent_span_id: parent,
    name: id,
    kind: "server",
    time: String(1_795_653_695_892_000_000n + BigInt(start)),
    received_at: "1795653695892000000",
    duration_ns: duration,
    status_code: id === "c" ? "error" : "unset",
    "service.name": "shop",
    sample_weight: 1,
    attributes: { "user.id": "u-1", tries: 2, fresh: true },
    resource: { "host.name": "a1" },
    scope: {},
    links: [],
    events: [{ time: "1795653695892001000", name: "exception", attributes: { kind: "Timeout" } }],
  };
}
const raw = {
  trace_id: "ab".repeat(16),
  spans: [span("a", null, 0, 100_000), span("b", "a", 0, 60_000), span("c", "a", 30_000, 50_000)],
  logs: [],
  damaged_parts: 0,
};

describe("the flame graph", () => {
  it("puts siblings that overlap into lines of their own, and finds them there", () => {
    const trace = buildTrace(shapeOfTrace(raw));
    const { lineOf, lines } = layOutFlame(trace);
    expect([...lineOf]).toEqual([0, 1, 2]);
    expect(spanAt(trace, lines[2] ?? [], 40_000, 1)).toBe(2);
    expect(spanAt(trace, lines[2] ?? [], 10_000, 1)).toBe(-1);
  });
});

describe("the shown part of time", () => {
  it("stays inside the trace", () => {
    expect(pan({ start: 0, end: 50 }, -1, 100)).toEqual({ start: 0, end: 50 });
    expect(pan({ start: 40, end: 90 }, 1, 100)).toEqual({ start: 50, end: 100 });
    expect(zoom({ start: 50, end: 100 }, 2, 100)).toEqual({ start: 0, end: 100 });
    expect(place(200, { start: 0, end: 100 })).toBe(100);
  });
  it("has round times on its axis", () => {
    expect(axisTimes({ start: 0, end: 53_000_000 }, 5)).toEqual([0, 20_000_000, 40_000_000]);
  });
  it("is read from the address as it was written, and not if it is of another trace", () => {
    const shown = { start: 5, end: 80 };
    expect(readWindow(writeWindow(shown), 100)).toEqual(shown);
    expect(readWindow("500-900", 100)).toBeNull();
    expect(readWindow("9-3", 100)).toBeNull();
  });
});

describe("trace files", () => {
  it("give back what was saved as OTLP", () => {
    const more = { trace_state: "a=1", status_message: "late", "scope.name": "http", resource: { "host.name": "a1" } };
    const links = [
      { trace_id: "cd".repeat(16), span_id: "0a", attributes: { why: ["retry", 2, 0.5, { deep: true }] } },
    ];
    const spans = raw.spans.map((one, place) => ({ ...one, ...(place === 1 ? { ...more, links } : {}) }));
    const unfinished = { ...(spans[0] as Span), span_id: "d", duration_ns: null };
    const trace = { ...raw, spans: [...spans, unfinished], logs: [] };
    const read = readTraceFile(JSON.stringify(toOtlp(trace)));
    const told = (one: Span) => [
      one.span_id,
      one.time,
      one.duration_ns,
      one.kind,
      one.status_message ?? null,
      one.links,
    ];
    expect(read.spans.map(told).toSorted()).toEqual(trace.spans.map(told).toSorted());
    const other = read.spans.find((one) => one.span_id === "b");
    expect([other?.resource, other?.attributes, other?.["scope.name"], other?.["service.name"]]).toEqual([
      { "host.name": "a1" },
      spans[1]?.attributes,
      "http",
      spans[1]?.["service.name"],
    ]);
    expect(other?.trace_state).toBe("a=1");
  });
  it("gives back what was saved for Jaeger", () => {
    const read = readTraceFile(JSON.stringify(toJaeger(raw)));
    expect(read.trace_id).toBe(raw.trace_id);
    expect(read.spans[2]).toMatchObject({
      span_id: "c",
      parent_span_id: "a",
      kind: "server",
      duration_ns: 50_000,
      status_code: "error",
      "service.name": "shop",
      time: "1795653695892030000",
    });
    expect(read.spans[0]?.events[0]).toEqual({
      time: "1795653695892001000",
      name: "exception",
      attributes: { kind: "Timeout" },
    });
  });
  it("reads OTLP with every nanosecond", () => {
    const attributes = [
      { key: "big", value: { intValue: "9007199254740993" } },
      { key: "all", value: { arrayValue: { values: [{ intValue: 1 }, { stringValue: "x" }] } } },
    ];
    const spans = [
      {
        traceId: "AB",
        spanId: "01",
        name: "x",
        kind: 3,
        startTimeUnixNano: "1795653695892914255",
        status: { code: 2 },
        attributes,
      },
    ];
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
    const read = readTraceFile(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
    expect(read.trace_id).toBe("ab".padStart(32, "0"));
    expect(read.spans[0]).toMatchObject({
      time: "1795653695892914255",
      duration_ns: null,
      kind: "client",
      status_code: "error",
      "service.name": "shop",
      attributes: { big: "9007199254740993", all: [1, "x"] },
    });
  });
  it("says what is wrong with a file", () => {
    expect(() => readTraceFile("hello")).toThrow("not JSON");
    expect(() => readTraceFile("{}")).toThrow("neither OTLP JSON");
    expect(() => readTraceFile('{"data":[]}')).toThrow("no span");
  });
});

describe("what a trace is compared with", () => {
  it("is one for each reason, and none twice", () => {
    const trace = buildTrace(shapeOfTrace(raw));
    const peer = (id: string, at: number, duration: number, failed = false) => ({
      id,
      at: trace.origin + BigInt(at),
      duration,
      failed,
    });
    const peers = [peer("p", -20, 50), peer("q", -10, 900, true), peer("r", 10, 60), peer("s", 30, 70)];
    expect(choosePeers(peers, trace).map(({ id, why }) => [id, why])).toEqual([
      ["r", "typical, the one after"],
      ["q", "the one before, the newest that failed"],
      ["p", "the fastest"],
      ["s", "the slowest"],
    ]);
    expect(choosePeers([], trace)).toEqual([]);
    expect(choosePeers([peer("p", -20, 50)], trace).map(({ why }) => why)).toEqual(["the one before"]);
  });
});
