// The search inside a trace: all words must be somewhere in the span, or one `field=value`.
import type { SpanNode, TraceModel } from "./build";

/** The places of the spans found, in reading order. */
export function findSpans(trace: TraceModel, text: string): number[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found: number[] = [];
  for (const node of trace.nodes) {
    const said = textOf(trace, node);
    if (words.every((word) => said.includes(word))) found.push(node.index);
  }
  return found;
}

const texts = new WeakMap<SpanNode, string>();

/** All that a span says, made once per span, and only when something is searched. */
function textOf(trace: TraceModel, node: SpanNode): string {
  const known = texts.get(node);
  if (known !== undefined) return known;
  const { span } = node;
  const parts = [node.id, node.name, node.service, node.kind, `status=${node.status}`];
  for (const event of node.events) parts.push(event.name ?? "");
  if (span) {
    if (span.status_message) parts.push(span.status_message);
    addFields(parts, span.attributes);
    addFields(parts, span.resource);
    for (const event of span.events) addFields(parts, event.attributes);
  }
  for (const log of node.logs) parts.push(trace.logs[log]?.record?.body ?? "");
  const text = parts.join("\n").toLowerCase();
  texts.set(node, text);
  return text;
}

function addFields(parts: string[], fields: Record<string, unknown>): void {
  for (const name in fields) parts.push(`${name}=${valueText(fields[name])}`);
}

/** An attribute's value as text. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The fields that the outline has. */
export const outlineFields = ["service.name", "name", "kind", "status_code"];

/** A field of a span by its name, as filters know it. */
export function fieldOf(node: SpanNode, field: string): string | null {
  if (field === "service.name") return node.service;
  if (field === "name") return node.name;
  if (field === "kind") return node.kind;
  if (field === "status_code") return node.status;
  const { span } = node;
  const value = span?.attributes[field] ?? span?.resource[field] ?? span?.scope[field];
  return value === undefined || value === null ? null : valueText(value);
}

/** The names of all fields of the trace's spans, as far as they are known. */
export function fieldNames(trace: TraceModel): string[] {
  const names = new Set(outlineFields);
  for (const { span } of trace.nodes) {
    if (!span) continue;
    for (const name in span.attributes) names.add(name);
    for (const name in span.resource) names.add(name);
  }
  return [...names];
}
