// Trace files that people have: OTLP JSON and Jaeger's JSON, read into what the API would have answered.
import type { Span, SpanEvent, Trace } from "../../../api/types";

type Json = Record<string, unknown>;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isJson) : []);
const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const number = (value: unknown): number => (typeof value === "number" ? value : Number(value ?? 0) || 0);

/** The trace of a file. Of several the one with the most spans. Throws what is wrong with it, in words. */
export function readTraceFile(content: string): Trace {
  let root: unknown;
  try {
    root = JSON.parse(content);
  } catch {
    throw new Error("This file is not JSON.");
  }
  const traces = new Map<string, Span[]>();
  if (isJson(root) && Array.isArray(root.resourceSpans)) readOtlp(root, traces);
  else if (isJson(root) && Array.isArray(root.data)) readJaeger(root, traces);
  else throw new Error("This file is neither OTLP JSON (resourceSpans) nor Jaeger JSON (data).");
  let best: [string, Span[]] | undefined;
  for (const one of traces) if (!best || one[1].length > best[1].length) best = one;
  if (!best) throw new Error("There is no span in this file.");
  return { trace_id: best[0], spans: best[1], logs: [], damaged_parts: 0 };
}

function put(traces: Map<string, Span[]>, id: string | null, span: Span): void {
  const key = (id ?? "").toLowerCase().padStart(32, "0");
  const spans = traces.get(key);
  if (spans) spans.push(span);
  else traces.set(key, [span]);
}

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const kindOf = (value: unknown) =>
  typeof value === "string" ? value.replace("SPAN_KIND_", "").toLowerCase() : (kinds[number(value)] ?? String(value));
const statusOf = (value: unknown) =>
  typeof value === "string"
    ? value.replace("STATUS_CODE_", "").toLowerCase()
    : (["unset", "ok", "error"][number(value)] ?? "unset");

function otlpValue(value: unknown): unknown {
  if (!isJson(value)) return null;
  if ("intValue" in value) {
    const whole = Number(value.intValue);
    return Number.isSafeInteger(whole) ? whole : String(value.intValue);
  }
  if (isJson(value.arrayValue)) return list(value.arrayValue.values).map(otlpValue);
  if (isJson(value.kvlistValue)) return otlpFields(value.kvlistValue.values);
  return Object.values(value)[0] ?? null;
}

function otlpFields(value: unknown): Json {
  return Object.fromEntries(list(value).map((one) => [String(one.key), otlpValue(one.value)]));
}

function readOtlp(root: Json, traces: Map<string, Span[]>): void {
  for (const group of list(root.resourceSpans)) {
    const resource = isJson(group.resource) ? otlpFields(group.resource.attributes) : {};
    const service = text(resource["service.name"]);
    delete resource["service.name"];
    for (const inner of list(group.scopeSpans)) {
      const scope = isJson(inner.scope) ? inner.scope : {};
      for (const raw of list(inner.spans)) {
        const time = String(raw.startTimeUnixNano ?? "0");
        const end = String(raw.endTimeUnixNano ?? "0");
        const status = isJson(raw.status) ? raw.status : {};
        put(traces, text(raw.traceId), {
          span_id: String(raw.spanId ?? "").toLowerCase(),
          parent_span_id: text(raw.parentSpanId)?.toLowerCase() ?? null,
          name: String(raw.name ?? ""),
          kind: kindOf(raw.kind),
          time,
          received_at: time,
          duration_ns: end === "0" ? null : Number(BigInt(end) - BigInt(time)),
          status_code: statusOf(status.code),
          status_message: text(status.message),
          "service.name": service,
          "scope.name": text(scope.name),
          "scope.version": text(scope.version),
          trace_state: text(raw.traceState),
          sample_weight: 1,
          attributes: otlpFields(raw.attributes),
          resource,
          scope: otlpFields(scope.attributes),
          links: list(raw.links).map((link) => ({
            trace_id: link.traceId,
            span_id: link.spanId,
            attributes: otlpFields(link.attributes),
          })),
          events: list(raw.events).map((event) => ({
            time: String(event.timeUnixNano ?? time),
            name: text(event.name),
            attributes: otlpFields(event.attributes),
          })),
        });
      }
    }
  }
}

const tagFields = (value: unknown): Json =>
  Object.fromEntries(list(value).map((tag) => [String(tag.key), tag.value ?? null]));
const nanoseconds = (microseconds: unknown) => String(BigInt(Math.round(number(microseconds))) * 1000n);

function readJaeger(root: Json, traces: Map<string, Span[]>): void {
  for (const trace of list(root.data)) {
    const processes = isJson(trace.processes) ? trace.processes : {};
    for (const raw of list(trace.spans)) {
      const found = processes[String(raw.processID)];
      const process = isJson(found) ? found : {};
      const attributes = tagFields(raw.tags);
      const failed = attributes.error === true || attributes["otel.status_code"] === "ERROR";
      const parent = list(raw.references).find((one) => one.refType === "CHILD_OF");
      const time = nanoseconds(raw.startTime);
      const events: SpanEvent[] = list(raw.logs).map((log) => {
        const { event, ...fields } = tagFields(log.fields);
        return { time: nanoseconds(log.timestamp), name: text(event), attributes: fields };
      });
      put(traces, text(raw.traceID) ?? text(trace.traceID), {
        span_id: String(raw.spanID ?? ""),
        parent_span_id: text(parent?.spanID),
        name: String(raw.operationName ?? ""),
        kind: text(attributes["span.kind"]) ?? "unspecified",
        time,
        received_at: time,
        duration_ns: number(raw.duration) * 1000,
        status_code: failed ? "error" : "unset",
        status_message: text(attributes["otel.status_description"]),
        "service.name": text(process.serviceName),
        sample_weight: 1,
        attributes,
        resource: tagFields(process.tags),
        scope: {},
        links: list(raw.references)
          .filter((one) => one.refType !== "CHILD_OF")
          .map((one) => ({ trace_id: one.traceID, span_id: one.spanID })),
        events,
      });
    }
  }
}
