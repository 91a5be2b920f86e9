// The map in words: kinds, figures, and what differs from an earlier one.
import type { Changed, Edge, EdgeKind, Figures, NodeKind } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import type { Chip } from "../../lib/search";
import type { Call, Graph, Place } from "./graph";

export const kindWords: Record<NodeKind, string> = {
  service: "service",
  browser: "browser",
  store: "store",
  queue: "queue",
  vendor: "vendor",
  host: "host",
};

export const callWords: Record<EdgeKind, string> = {
  call: "calls",
  query: "asks",
  send: "sends to",
  receive: "receives from",
  message: "sends messages to",
};

/** `4.52/s`; slow ones by the minute or the hour, so that they are not nothing. */
export function rateWords(rate: number | null | undefined): string {
  if (rate === null || rate === undefined) return "–";
  const three = (value: number) =>
    value >= 100 ? formatCount(Math.round(value)) : String(Number(value.toPrecision(3)));
  if (rate >= 0.1 || rate === 0) return `${three(rate)}/s`;
  return rate * 60 >= 0.1 ? `${three(rate * 60)}/min` : `${three(rate * 3600)}/h`;
}

export function errorShare(figures: Pick<Figures, "calls" | "errors">): number | null {
  return figures.calls > 0 ? figures.errors / figures.calls : null;
}

/** `4.52/s, 3.3 % failed, p95 571 ms`. */
export function figureWords(figures: Figures): string {
  const share = errorShare(figures);
  return [
    rateWords(figures.rate ?? null),
    share === null ? "" : share > 0 ? `${formatPercent(share)} failed` : "none failed",
    figures.p95_ns == null ? "" : `p95 ${formatDuration(figures.p95_ns)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** How bad failures are, for colour: none, some, many. */
export function errorLevel(figures: Pick<Figures, "calls" | "errors">): "none" | "some" | "many" {
  const share = errorShare(figures) ?? 0;
  // As it is shown, with one digit: what reads 5 % is coloured as 5 %.
  return share >= 0.0495 ? "many" : share > 0 ? "some" : "none";
}

/** One change: `p50 36 ms → 921 ms`. */
function changeWords(change: Changed, now: Figures, base: Figures | undefined): string {
  if (change === "appeared") return `appeared: ${figureWords(now)}`;
  if (change === "vanished") return `vanished; it had ${figureWords(base ?? now)}`;
  if (!base) return change;
  if (change === "rate") return `rate ${rateWords(base.rate)} → ${rateWords(now.rate)}`;
  if (change === "errors") return `failed ${formatPercent(errorShare(base))} → ${formatPercent(errorShare(now))}`;
  return `p50 ${formatDuration(base.p50_ns)} → ${formatDuration(now.p50_ns)}`;
}

export type Mark = "+" | "-" | "~";

export function markOf(changed: Changed[]): Mark | undefined {
  if (changed.includes("appeared")) return "+";
  if (changed.includes("vanished")) return "-";
  return changed.length ? "~" : undefined;
}

export type DifferenceLine = { id: string; mark: Mark; name: string; what: string };

export function whatChanged({ changed, base, ...now }: Figures & { changed: Changed[]; base: Figures | undefined }) {
  return changed.map((change) => changeWords(change, now, base)).join("; ");
}

export function nameOf(graph: Graph, id: string): string {
  return graph.places.find((place) => place.id === id)?.name ?? id;
}

export function callName(graph: Graph, call: Pick<Edge, "from" | "to" | "kind">): string {
  return `${nameOf(graph, call.from)} ${callWords[call.kind]} ${nameOf(graph, call.to)}`;
}

/** All that differs, a line each: what appeared, what vanished, what changed; a call of a new place is told of with it. */
export function differenceLines(graph: Graph): DifferenceLine[] {
  const lines: DifferenceLine[] = [];
  const whole = new Set<string>();
  for (const place of graph.places) {
    const mark = markOf(place.changed);
    if (!mark) continue;
    if (mark !== "~") whole.add(place.id);
    lines.push({ id: place.id, mark, name: `${kindWords[place.kind]} ${place.name}`, what: whatChanged(place) });
  }
  for (const call of graph.calls) {
    const mark = markOf(call.changed);
    if (!mark || (mark !== "~" && (whole.has(call.from) || whole.has(call.to)))) continue;
    lines.push({ id: call.id, mark, name: callName(graph, call), what: whatChanged(call) });
  }
  const order: Mark[] = ["+", "-", "~"];
  return lines.sort((left, right) => order.indexOf(left.mark) - order.indexOf(right.mark));
}

const is = (field: string, value: string): Chip => ({ field, operator: "=", value });

/** The chips that keep spans of a place or to it, or nothing if its name does not say which. */
export function chipsOf(place: Pick<Place, "id" | "kind" | "name" | "category">): Chip[] | undefined {
  // An id is `kind:part/part/part`; a slash within a part is written %2F, and what is not known is empty.
  const parts = place.id.slice(place.kind.length + 1).split("/");
  const fields = (...names: string[]): Chip[] =>
    names.flatMap((name, index) => (parts[index] ? [is(name, parts[index].replaceAll("%2F", "/"))] : []));
  switch (place.kind) {
    case "service":
    case "browser":
      return parts[0] ? fields("service.name") : [{ field: "service.name", operator: "missing", value: null }];
    case "store":
      return fields("db.system.name", "server.address", "db.namespace");
    case "queue":
      return fields("messaging.system", "messaging.destination.name");
    case "host":
      return [is("server.address", place.name)];
    case "vendor":
      // A known vendor is many hosts under one name.
      return place.category || !place.name.includes(".") ? undefined : [is("server.address", place.name)];
  }
}

/** The chips of a call's spans, as the caller sees them. */
export function chipsOfCall(graph: Graph, call: Call): Chip[] {
  const from = graph.places.find(({ id }) => id === call.from);
  const to = graph.places.find(({ id }) => id === call.to);
  const caller = from?.kind === "queue" ? to : from;
  const other = caller === from ? to : from;
  // What is called says its own service name in its own spans only.
  const called = other && other.kind !== "service" && other.kind !== "browser" ? (chipsOf(other) ?? []) : [];
  return [...((caller && chipsOf(caller)) ?? []), ...called, ...(called.length ? [] : [is("kind", "client")])];
}
