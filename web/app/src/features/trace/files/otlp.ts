// The trace as OTLP JSON, for one that came from a file; those of the store the server writes itself, as they came in.
import type { Span, Trace } from "../../../api/types";
import { linksOf } from "./jaeger";

type Value = Record<string, unknown>;

function otlpValueOf(value: unknown): Value {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(otlpValueOf) } };
  if (typeof value === "object" && value !== null) return { kvlistValue: { values: fieldsOf(value) } };
  return {};
}

const fieldsOf = (fields: object) => Object.entries(fields).map(([key, value]) => ({ key, value: otlpValueOf(value) }));

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const statuses = ["unset", "ok", "error"];
const numberOf = (names: string[], name: string) => Math.max(0, names.indexOf(name));

function spanOf(trace: Trace, span: Span): Value {
  const length = span.duration_ns ?? null;
  return {
    traceId: trace.trace_id,
    spanId: span.span_id,
    ...(span.parent_span_id ? { parentSpanId: span.parent_span_id } : {}),
    ...(span.trace_state ? { traceState: span.trace_state } : {}),
    name: span.name,
    kind: numberOf(kinds, span.kind),
    startTimeUnixNano: span.time,
    // OTLP has no end as zero.
    endTimeUnixNano: length === null ? "0" : String(BigInt(span.time) + BigInt(Math.round(length))),
    attributes: fieldsOf(span.attributes),
    events: span.events.map((event) => ({
      timeUnixNano: event.time,
      name: event.name ?? "",
      attributes: fieldsOf(event.attributes),
    })),
    links: linksOf(span).map((link) => ({
      traceId: link.trace_id,
      spanId: link.span_id,
      attributes: fieldsOf(link.attributes ?? {}),
    })),
    status: {
      code: numberOf(statuses, span.status_code),
      ...(span.status_message ? { message: span.status_message } : {}),
    },
  };
}

/** Spans with the same resource and scope together, as OTLP has them. */
export function toOtlp(trace: Trace): unknown {
  const groups = new Map<string, { resource: Value; scope: Value; spans: Value[] }>();
  for (const span of trace.spans) {
    const service = span["service.name"];
    const resource = { attributes: fieldsOf({ ...(service ? { "service.name": service } : {}), ...span.resource }) };
    const scope = {
      ...(span["scope.name"] ? { name: span["scope.name"] } : {}),
      ...(span["scope.version"] ? { version: span["scope.version"] } : {}),
      attributes: fieldsOf(span.scope),
    };
    const key = JSON.stringify([resource, scope]);
    const group = groups.get(key) ?? { resource, scope, spans: [] as Value[] };
    groups.set(key, group);
    group.spans.push(spanOf(trace, span));
  }
  const resourceSpans = [...groups.values()].map(({ resource, scope, spans }) => ({
    resource,
    scopeSpans: [{ scope, spans }],
  }));
  return { resourceSpans };
}
