// What the page asks the server: fields, values, the entity, what is seen with it, and the spans behind its hops.
import { type UseQueryResult, useQueries, useQuery } from "@tanstack/react-query";
import { getJson, postJson } from "../../api/client";
import { followsTime } from "../../api/queries";
import type { Answer, Entity, EntityHop, EntityTrace, FieldDetail, Fields } from "../../api/types";
import { type Chip, conditionOf, rangeOf, type Search, sqlName, sqlValue } from "../../lib/search";

/** The fields of spans in the time asked for. */
export function useFields(search: Search) {
  const range = rangeOf(search);
  return useQuery({
    queryKey: ["fields", "spans", range],
    queryFn: ({ signal }) => getJson<Fields>("api/v1/fields", { from: "spans", ...range }, signal),
    staleTime: 60_000,
  });
}

/** One field with its most frequent values. */
export function useFieldDetail(name: string | undefined, search: Search) {
  const range = rangeOf(search);
  return useQuery({
    queryKey: ["field", "spans", name, range],
    queryFn: ({ signal }) =>
      getJson<FieldDetail>(`api/v1/fields/${encodeURIComponent(name ?? "")}`, { from: "spans", ...range }, signal),
    enabled: Boolean(name),
    staleTime: 60_000,
  });
}

export function useEntity(field: string | undefined, value: string | undefined, search: Search, limit: number) {
  const asked = { field, value, limit, ...rangeOf(search) };
  return useQuery({
    queryKey: ["entity", asked],
    queryFn: ({ signal }) => getJson<Entity>("api/v1/entity", asked, signal),
    enabled: Boolean(field) && value !== undefined,
    meta: followsTime,
    // More traces of the same entity come below those that are there already.
    placeholderData: (before) => (before?.field === field && before?.value === value ? before : undefined),
  });
}

/** Of each field, the values that are most frequent beside the entity's. */
export function useSeenWith(chip: Chip, fields: string[], search: Search): UseQueryResult<Answer>[] {
  return useQueries({
    queries: fields.map((field) => {
      const question = {
        from: "spans",
        range: rangeOf(search),
        where: conditionOf([chip, { field, operator: "exists", value: null }]),
        group_by: [field],
        calculate: ["count"],
        order_by: ["-count"],
        limit: 6,
      };
      return {
        queryKey: ["query", question],
        meta: followsTime,
        queryFn: ({ signal }: { signal: AbortSignal }) => postJson<Answer>("api/v1/query", question, signal),
      };
    }),
  });
}

/** The span behind a hop: hops carry no id, but their operation and duration tell them apart. */
export type SpanOf = (trace: string, hop: EntityHop) => string | undefined;

export function hopKey(trace: string, operation: unknown, duration: unknown): string {
  return JSON.stringify([trace, operation, duration]);
}

export function useSpansOfHops(traces: EntityTrace[]): SpanOf {
  const ids = traces.map((trace) => trace.trace_id);
  const names = ["trace_id", "name", "duration_ns", "span_id"].map(sqlName).join(", ");
  const sql = `SELECT ${names} FROM spans WHERE trace_id IN (${ids.map(sqlValue).join(", ")})`;
  const spans = useQuery({
    queryKey: ["sql", sql],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/sql", { sql, rows_max: 20_000 }, signal),
    enabled: ids.length > 0,
    select: (answer) =>
      new Map(
        answer.rows.map(([trace, name, duration, span]) => [hopKey(String(trace), name, duration), String(span)]),
      ),
  });
  return (trace, hop) => spans.data?.get(hopKey(trace, hop.operation, hop.duration_ns));
}
