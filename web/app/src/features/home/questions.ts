// The questions of the first page, and their answers put together by service.
import type { Answer, OddFinding, QueryRequest } from "../../api/types";
import { conditionOf, rangeOf, type Search, sqlValue } from "../../lib/search";
import { boundsOf, iso, readMoment, writeLength } from "../../lib/time";

/** What counts as a request: a root, or a span that was asked for by another service. */
export const requests = "(parent_span_id IS NULL OR kind IN ('server', 'consumer'))";

const lengths = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map(
  (s) => s * 1000,
);

/** A step of time that cuts so long into about 40 pieces. */
export function stepOf(milliseconds: number): string {
  return writeLength(lengths.find((length) => milliseconds / length <= 48) ?? 604_800_000);
}

function base(search: Search, more?: string): QueryRequest {
  const conditions = [requests, conditionOf(search.where), more].filter((one) => one !== undefined);
  return { from: "spans", range: rangeOf(search), where: conditions.join(" AND ") };
}

const servicesMost = 50;

export const figuresQuestion = (search: Search): QueryRequest => ({
  ...base(search),
  group_by: ["service.name"],
  calculate: ["count", "rate", "p50(duration_ns)", "p95(duration_ns)", "p99(duration_ns)"],
  limit: servicesMost,
});

export const failuresQuestion = (search: Search): QueryRequest => ({
  ...base(search, "status_code = 'error'"),
  group_by: ["service.name"],
  calculate: ["count"],
  limit: 1000,
});

export const seriesQuestion = (search: Search, now = Date.now()): QueryRequest => {
  const { start, end } = boundsOf(search, now);
  return {
    ...base(search),
    group_by: ["service.name"],
    calculate: ["count"],
    granularity: stepOf(end - start),
    fill: "zero",
    limit: servicesMost,
  };
};

export const newestErrorsQuestion = (search: Search): QueryRequest => {
  const chips = conditionOf(search.where);
  const failed = "status_code = 'error'";
  return { from: "spans", range: rangeOf(search), where: chips ? `${chips} AND ${failed}` : failed, limit: 10 };
};

/**
 * The time in which a finding can be seen: the hour; for a rate the hour before too, since what is gone leaves an empty
 * hour.
 */
export function timeOf(finding: Pick<OddFinding, "measure">, start: string, end: string): { from: string; to: string } {
  const [first, last] = [readMoment(start) ?? 0, readMoment(end) ?? 0];
  return { from: iso(finding.measure === "rate" ? first - 3_600_000 : first), to: iso(last) };
}

/** That time in steps, as far as the measure can be drawn. */
export function findingQuestion(finding: OddFinding, start: string, end: string): QueryRequest {
  const { from, to } = timeOf(finding, start, end);
  const who = [requests, `service.name = ${sqlValue(finding["service.name"] ?? null)}`];
  if (finding.flow) who.push(`name = ${sqlValue(finding.flow)}`);
  if (finding.measure === "errors") who.push("status_code = 'error'");
  const measure =
    finding.measure === "latency" ? "p50(duration_ns)" : finding.measure === "tail" ? "p99(duration_ns)" : "count";
  return {
    from: "spans",
    range: { start: from, end: to },
    where: who.join(" AND "),
    calculate: [measure],
    granularity: finding.measure === "rate" ? "4m" : "2m",
    fill: measure === "count" ? "zero" : "null",
  };
}

/** The column of an answer, by its name. */
export function column(answer: Pick<Answer, "columns" | "rows">, name: string): unknown[] {
  const place = answer.columns.findIndex((one) => one.name === name);
  return answer.rows.map((row) => (place < 0 ? null : row[place]));
}

/** A cell as a number; null where it is none. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && value !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
}

/** Without the first and last step, which are only partly in the time: drawn, they would look like a rise and a fall. */
export function wholeSteps<T>(values: readonly T[]): readonly T[] {
  return values.length > 8 ? values.slice(1, -1) : values;
}

export type Service = {
  name: string | null;
  requests: number;
  rate: number | null;
  errorShare: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  series: readonly number[];
};

/** The three answers as one row for each service, the busiest first. */
export function servicesOf(figures: Answer, failures: Answer | undefined, series: Answer | undefined): Service[] {
  const failed = byService(failures);
  const drawn = byService(series);
  const names = column(figures, "service.name");
  const [counts, rates] = [column(figures, "count"), column(figures, "rate")];
  const [p50, p95, p99] = ["p50", "p95", "p99"].map((one) => column(figures, `${one}(duration_ns)`));
  return names.map((raw, row) => {
    const name = typeof raw === "string" ? raw : null;
    const count = numberOf(counts[row]) ?? 0;
    const errors = failed.get(name)?.[0] ?? 0;
    return {
      name,
      requests: count,
      rate: numberOf(rates[row]),
      errorShare: count > 0 ? Math.min(1, errors / count) : 0,
      p50: numberOf(p50?.[row]),
      p95: numberOf(p95?.[row]),
      p99: numberOf(p99?.[row]),
      series: wholeSteps(drawn.get(name) ?? []),
    };
  });
}

function byService(answer: Answer | undefined): Map<string | null, number[]> {
  const all = new Map<string | null, number[]>();
  if (!answer) return all;
  const counts = column(answer, "count");
  column(answer, "service.name").forEach((raw, row) => {
    const name = typeof raw === "string" ? raw : null;
    all.set(name, [...(all.get(name) ?? []), numberOf(counts[row]) ?? 0]);
  });
  return all;
}

/** What the compare page's address says of a finding's own question. */
export type CompareLink = Search & { table?: string; selection?: string; baseline?: string; before?: string };

type Side = { where?: string; range?: { start?: string; end?: string } };

function sideOf(value: unknown): Side {
  return typeof value === "object" && value !== null ? (value as Side) : {};
}

/** The finding's comparison as a link; a side of its own time becomes "so long before". */
export function compareLink(compare: Record<string, unknown>): CompareLink {
  const [selection, baseline] = [sideOf(compare.selection), sideOf(compare.baseline)];
  const range = selection.range ?? sideOf({ range: compare.range } satisfies Record<string, unknown>).range ?? {};
  const link: CompareLink = { from: isoText(range.start), to: isoText(range.end), selection: selection.where };
  if (typeof compare.from === "string" && compare.from !== "spans") link.table = compare.from;
  const [now, then] = [readMoment(range.start ?? ""), readMoment(baseline.range?.start ?? "")];
  if (now !== undefined && then !== undefined && then < now)
    link.before = writeLength(Math.round((now - then) / 1000) * 1000);
  if (baseline.where !== selection.where || link.before === undefined) link.baseline = baseline.where;
  return link;
}

function isoText(moment: string | undefined): string | undefined {
  const time = readMoment(moment ?? "");
  return time === undefined ? undefined : iso(time);
}

/** How often the page asks again, in milliseconds: usually, and while it waits for the first event. */
export const refreshEvery = 30_000;
export const waitingEvery = 2_000;
