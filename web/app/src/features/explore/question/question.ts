// The question of the explore page: from the address to the API's request body and back.
import type { QueryRequest } from "../../../api/types";
import { type Chip, conditionOf, rangeOf, type Search, sqlValue } from "../../../lib/search";
import { boundsOf, readLength, writeLength } from "../../../lib/time";
import type { ExploreSearch, View } from "../search";

export const tables = ["spans", "logs", "metrics"] as const;
export type Table = (typeof tables)[number];
export type Address = Search & ExploreSearch;
/** What the builder shows: the address with what it leaves out. */
export type Question = { table: Table; group: string[]; calculate: string[]; heat: string | undefined };

const defaults: Record<Table, Omit<Question, "table">> = {
  spans: { group: ["service.name"], calculate: ["count", "p50(duration_ns)", "p99(duration_ns)"], heat: "duration_ns" },
  logs: { group: ["service.name"], calculate: ["count"], heat: undefined },
  metrics: { group: ["name"], calculate: ["count", "avg(value)"], heat: undefined },
};

const heatmap = /^heatmap\((.+)\)$/;

/** A question without calculations has those that suit its table; without groups too, its groups. */
export function readQuestion(search: Address): Question {
  const table = tables.find((one) => one === search.table) ?? "spans";
  const usual = defaults[table];
  const asked = search.calculate ?? usual.calculate;
  const calculate = asked.filter((one) => !heatmap.test(one));
  const heat = asked.map((one) => heatmap.exec(one)?.[1]).find((one) => one !== undefined);
  return {
    table,
    group: search.group ?? (search.calculate ? [] : usual.group),
    calculate: calculate.length ? calculate : ["count"],
    heat: heat ?? usual.heat,
  };
}

/** The chosen metric; other tables have none. */
export function metricOf(search: Address): string | undefined {
  return search.table === "metrics" ? search.metric : undefined;
}

/** All that the events must fulfil. */
export function whereOf(search: Address): string | undefined {
  const chips = conditionOf(search.where);
  const metric = metricOf(search);
  const parts = [metric && `name = ${sqlValue(metric)}`, chips].filter(Boolean);
  if (!search.condition) return parts.length ? parts.join(" AND ") : undefined;
  return parts.length ? `${parts.join(" AND ")} AND (${search.condition})` : search.condition;
}

const steps = ["100ms", "1s", "2s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "3h"];

/** A step of time that parts the range in at most so many. */
export function stepOf(search: Address, most: number): string {
  if (search.step && readLength(search.step)) return search.step;
  const { start, end } = boundsOf(search);
  // Metrics come once a minute as a rule: steps of less would have a point here and none there.
  const least = Math.max((end - start) / most, readQuestion(search).table === "metrics" ? 60e3 : 0);
  const fitting = [...steps, "6h", "12h"].find((one) => (readLength(one) ?? 0) >= least);
  return fitting ?? writeLength(Math.ceil(least / 86_400e3) * 86_400e3);
}

const summed = /^(count|rate|sum|increase)\b(?!_)/;

/** Whether a figure of half a step is about half of a whole one: it must not look like a fall. */
export function isSummed(calculation: string): boolean {
  return /^(count|sum|increase)\b(?!_)/.test(calculation);
}

function base(search: Address): QueryRequest {
  return { from: readQuestion(search).table, range: rangeOf(search), where: whereOf(search) };
}

function grouped(search: Address): QueryRequest {
  const { group, calculate } = readQuestion(search);
  return { ...base(search), group_by: group, calculate, having: search.having, order_by: search.order };
}

/** Lines over time, of the largest groups. */
export function seriesBody(search: Address): QueryRequest {
  const { calculate, group, table } = readQuestion(search);
  // A step without events has no percentile, but it has a count: none. Without points nothing is known of a metric.
  const fill = table !== "metrics" && calculate.every((one) => summed.test(one)) ? "zero" : "null";
  // Without groups a limit would be one of steps.
  const limit = group.length ? (search.limit ?? 8) : undefined;
  return { ...grouped(search), granularity: stepOf(search, 180), limit, fill };
}

export function tableBody(search: Address): QueryRequest {
  return { ...grouped(search), limit: search.limit ?? 100 };
}

export function heatmapBody(search: Address): QueryRequest | undefined {
  const { heat } = readQuestion(search);
  return heat
    ? { ...base(search), calculate: [`heatmap(${heat})`], granularity: stepOf(search, 150), limit: 50_000 }
    : undefined;
}

export function eventsBody(search: Address, limit = 100): QueryRequest {
  return { ...base(search), order_by: ["-time"], limit: search.limit ?? limit };
}

/** The traces of the events that were asked for. */
export function tracesBody(search: Address): QueryRequest {
  const first = search.sort === "slowest" && readQuestion(search).table === "spans" ? "max(duration_ns)" : "max(time)";
  const where = [whereOf(search), "trace_id IS NOT NULL"].filter((one) => one !== undefined).map((one) => `(${one})`);
  return {
    ...base(search),
    where: where.join(" AND "),
    group_by: ["trace_id"],
    calculate: ["count", first],
    order_by: [`-${first}`],
    limit: search.limit ?? 50,
  };
}

/** What the shown view asks: this is what is exported and shown as JSON. */
export function bodyOf(search: Address, view: View): QueryRequest {
  const bodies: Record<View, () => QueryRequest | undefined> = {
    overview: () => tableBody(search),
    series: () => seriesBody(search),
    heatmap: () => heatmapBody(search),
    table: () => tableBody(search),
    events: () => eventsBody(search),
    lines: () => eventsBody(search),
    traces: () => tracesBody(search),
  };
  return bodies[view]() ?? tableBody(search);
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.length ? value.map(String) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A request body as an address, or why it cannot be one. Chips stay if the condition is theirs. */
export function addressOf(source: string, before: Address): Address | string {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(source);
  } catch (error) {
    return error instanceof Error ? error.message : "This is not JSON.";
  }
  if (typeof body !== "object" || body === null) return "A question is an object.";
  const table = tables.find((one) => one === body.from);
  if (!table) return `“from” has to be one of ${tables.join(", ")}.`;
  const range = (typeof body.range === "object" && body.range !== null ? body.range : {}) as Record<string, unknown>;
  const where = text(body.where);
  const same = where === whereOf(before);
  const calculate = texts(body.calculate);
  const group = texts(body.group_by);
  const events = !calculate && !group && !body.granularity;
  return {
    ...(text(range.start)
      ? { from: text(range.start), to: text(range.end) }
      : { last: text(range.last) ?? before.last, from: undefined, to: undefined }),
    where: same ? before.where : undefined,
    condition: same ? before.condition : where,
    table,
    metric: same ? before.metric : undefined,
    group: group ?? (events ? before.group : undefined),
    calculate: calculate ?? (events ? before.calculate : ["count"]),
    having: text(body.having),
    order: events ? undefined : texts(body.order_by),
    limit: typeof body.limit === "number" ? body.limit : undefined,
    step: text(body.granularity),
    view: events
      ? "events"
      : body.granularity
        ? calculate?.some((one) => heatmap.test(one))
          ? "heatmap"
          : "series"
        : "table",
  };
}

/** The address with another name for a field that does not exist, wherever it stands. */
export function renamed(search: Address, wrong: string, right: string): Address {
  const put = (one: string) => one.replaceAll(`"${wrong}"`, right).replaceAll(wrong, right);
  const all = (some: string[] | undefined) => some?.map(put);
  const chip = (one: Chip): Chip => (one.field === wrong ? { ...one, field: right } : one);
  return {
    ...search,
    where: search.where?.map(chip),
    group: all(search.group),
    calculate: all(search.calculate),
    order: all(search.order),
    columns: all(search.columns),
    having: search.having && put(search.having),
    condition: search.condition && put(search.condition),
  };
}
