// What the tree of a trace is made of, the same whether only its outline is known or all of it.
import type { LogRecord, Span, Trace, TraceOutline } from "../../../api/types";
import { added, none } from "./lists";

/** Places of parents that are none. */
export const noParent = -1;
export const missingParent = -2;

export type Mark = { at: number; name: string | null };

/** A span. Times are nanoseconds since the trace's origin. */
export type SpanShape = {
  id: string;
  /** Its place among the spans. */
  parent: number;
  name: string;
  kind: string;
  service: string | null;
  status: string;
  start: number;
  /** Nothing while it has no end. */
  given: number | null;
  links: boolean;
  events: Mark[];
  /** With its attributes; nothing while only the outline is known. */
  span: Span | null;
};

export type LogShape = { at: number; span: number; severity: number; record: LogRecord | null };

export type TraceShape = {
  id: string;
  /** The earliest time, in nanoseconds since 1970. */
  origin: bigint;
  spans: SpanShape[];
  logs: LogShape[];
  /** Attributes and texts of log records are here. */
  whole: boolean;
  damagedParts: number;
};

export function shapeOfTrace(trace: Trace): TraceShape {
  const times = trace.spans.map((span) => BigInt(span.time));
  let origin = times[0] ?? (trace.logs[0] ? BigInt(trace.logs[0].time) : 0n);
  for (const time of times) if (time < origin) origin = time;
  const since = (time: string) => Number(BigInt(time) - origin);
  const places = new Map<string, number>();
  trace.spans.forEach((span, place) => {
    if (!places.has(span.span_id)) places.set(span.span_id, place);
  });
  const spans = trace.spans.map((span, place): SpanShape => {
    const { parent_span_id: parent } = span;
    return {
      id: span.span_id,
      parent: parent ? (places.get(parent) ?? missingParent) : noParent,
      name: span.name,
      kind: span.kind,
      service: span["service.name"] ?? null,
      status: span.status_code,
      start: Number((times[place] ?? origin) - origin),
      given: span.duration_ns ?? null,
      links: Array.isArray(span.links) && span.links.length > 0,
      events: span.events.length
        ? span.events.map((event) => ({ at: since(event.time), name: event.name ?? null }))
        : none,
      span,
    };
  });
  const logs = trace.logs.map((record) => ({
    at: since(record.time),
    span: places.get(record.span_id ?? "") ?? -1,
    severity: record.severity_number ?? 0,
    record,
  }));
  return { id: trace.trace_id, origin, spans, logs, whole: true, damagedParts: trace.damaged_parts };
}

export function shapeOfOutline(outline: TraceOutline): TraceShape {
  const { texts, spans: given, events, logs } = outline;
  const text = (place: number | null | undefined) => texts[place ?? -1] ?? "";
  const linked = new Set(given.linked);
  const spans = given.span_id.map((id, place): SpanShape => {
    const service = given["service.name"][place];
    return {
      id,
      parent: given.parent[place] ?? noParent,
      name: text(given.name[place]),
      kind: text(given.kind[place]),
      service: typeof service === "number" ? text(service) : null,
      status: text(given.status_code[place]),
      start: given.start_ns[place] ?? 0,
      given: given.duration_ns[place] ?? null,
      links: linked.has(place),
      events: none,
      span: null,
    };
  });
  events.span.forEach((span, place) => {
    const name = events.name[place];
    const of = spans[span];
    const mark = { at: events.time_ns[place] ?? 0, name: typeof name === "number" ? text(name) : null };
    if (of) of.events = added<Mark>(of.events, mark);
  });
  return {
    id: outline.trace_id,
    origin: BigInt(outline.base_time),
    spans,
    logs: logs.span.map((span, place) => ({
      at: logs.time_ns[place] ?? 0,
      span,
      severity: logs.severity_number[place] ?? 0,
      record: null,
    })),
    whole: false,
    damagedParts: outline.damaged_parts,
  };
}
