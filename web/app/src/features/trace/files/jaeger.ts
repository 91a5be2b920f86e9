// The trace as Jaeger's UI writes and reads it: JSON with processes, microseconds, tags and references.
import type { Span, Trace } from "../../../api/types";
import { valueText } from "../model/find";

type Tag = { key: string; type: string; value: string | number | boolean };

function tagOf(key: string, value: unknown): Tag {
  if (typeof value === "boolean") return { key, type: "bool", value };
  if (typeof value === "number") return { key, type: Number.isInteger(value) ? "int64" : "float64", value };
  return { key, type: "string", value: valueText(value) };
}

const tagsOf = (fields: Record<string, unknown>) => Object.entries(fields).map(([key, value]) => tagOf(key, value));

/** Microseconds since 1970; 2^53 is in the year 2255. */
const micros = (nanoseconds: string) => Number(BigInt(nanoseconds) / 1000n);

export function toJaeger(trace: Trace): unknown {
  const processes: Record<string, { serviceName: string; tags: Tag[] }> = {};
  const known = new Map<string, string>();
  const processOf = (span: Span) => {
    const key = JSON.stringify([span["service.name"], span.resource]);
    let id = known.get(key);
    if (!id) {
      id = `p${known.size + 1}`;
      known.set(key, id);
      processes[id] = { serviceName: span["service.name"] ?? "unnamed service", tags: tagsOf(span.resource) };
    }
    return id;
  };
  const spans = trace.spans.map((span) => {
    const tags = tagsOf(span.attributes);
    if (span.kind !== "unspecified") tags.push(tagOf("span.kind", span.kind));
    if (span.status_code !== "unset") tags.push(tagOf("otel.status_code", span.status_code.toUpperCase()));
    if (span.status_code === "error") tags.push(tagOf("error", true));
    if (span.status_message) tags.push(tagOf("otel.status_description", span.status_message));
    if (span["scope.name"]) tags.push(tagOf("otel.scope.name", span["scope.name"]));
    const links = linksOf(span).map((link) => ({
      refType: "FOLLOWS_FROM",
      traceID: link.trace_id,
      spanID: link.span_id,
    }));
    const parent = span.parent_span_id
      ? [{ refType: "CHILD_OF", traceID: trace.trace_id, spanID: span.parent_span_id }]
      : [];
    return {
      traceID: trace.trace_id,
      spanID: span.span_id,
      operationName: span.name,
      references: [...parent, ...links],
      startTime: micros(span.time),
      duration: Math.round(Math.max(0, span.duration_ns ?? 0) / 1000),
      tags,
      logs: span.events.map((event) => ({
        timestamp: micros(event.time),
        fields: [...(event.name ? [tagOf("event", event.name)] : []), ...tagsOf(event.attributes)],
      })),
      processID: processOf(span),
      warnings: null,
    };
  });
  return { data: [{ traceID: trace.trace_id, spans, processes, warnings: null }] };
}

export type SpanLink = { trace_id: string; span_id: string; attributes?: Record<string, unknown> };

/** The links of a span, which the API gives as they were sent. */
export function linksOf(span: Span): SpanLink[] {
  if (!Array.isArray(span.links)) return [];
  return span.links.filter(
    (link: unknown): link is SpanLink =>
      typeof link === "object" &&
      link !== null &&
      typeof (link as SpanLink).trace_id === "string" &&
      typeof (link as SpanLink).span_id === "string",
  );
}
