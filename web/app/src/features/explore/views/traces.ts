// Whole traces by their ids: one statement for all of them, and its rows in the order of the ids.
import type { Answer } from "../../../api/types";
import type { Search } from "../../../lib/search";
import { boundsOf, iso } from "../../../lib/time";
import { numberOf } from "../answers";

export type TraceSummary = {
  id: string;
  start: string;
  /** Nanoseconds: of the root, or of the longest span where the root is missing. */
  duration: number;
  spans: number;
  errors: number;
  services: string[];
  root?: string;
  rootService?: string;
};

/** A trace may have begun before the time of the page and may end after it, as far as an hour is enough. */
const around = 3_600e3;

export function tracesStatement(ids: string[], search: Search, now: number): string {
  const { start, end } = boundsOf(search, now || Date.now());
  const listed = ids
    .filter((id) => /^[0-9a-f]{32}$/.test(id))
    .map((id) => `'${id}'`)
    .join(", ");
  const root = (field: string) => `max(CASE WHEN parent_span_id IS NULL THEN ${field} END)`;
  return [
    "SELECT trace_id, min(time) AS start, count(*) AS spans,",
    "  count(*) FILTER (WHERE status_code = 'error') AS errors, array_agg(DISTINCT service.name) AS services,",
    `  ${root("name")} AS root, ${root("service.name")} AS root_service,`,
    `  coalesce(${root("duration_ns")}, max(duration_ns)) AS duration`,
    `FROM spans WHERE time >= '${iso(start - around)}' AND time < '${iso(end + around)}' AND trace_id IN (${listed})`,
    "GROUP BY trace_id",
  ].join("\n");
}

export function readTraces(answer: Pick<Answer, "rows">, ids: string[]): TraceSummary[] {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const found = new Map<string, TraceSummary>();
  for (const [id, start, spans, errors, services, root, rootService, duration] of answer.rows) {
    found.set(String(id), {
      id: String(id),
      start: String(start),
      spans: numberOf(spans) ?? 0,
      errors: numberOf(errors) ?? 0,
      services: (Array.isArray(services) ? services : [])
        .filter((one) => one !== null)
        .map(String)
        .sort(),
      root: text(root),
      rootService: text(rootService),
      duration: numberOf(duration) ?? 0,
    });
  }
  return ids.map((id) => found.get(id)).filter((one) => one !== undefined);
}
