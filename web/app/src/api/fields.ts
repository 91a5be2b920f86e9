// The fields of a table and their values: for completion, chips and the palette.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "./client";
import type { ApiRange, Field, FieldDetail, Fields } from "./types";

/** The fields of a table, over all times (which the server knows without reading). */
export function useFields(table = "spans"): Field[] {
  const fields = useQuery({
    queryKey: ["fields", table],
    queryFn: ({ signal }) => getJson<Fields>("api/v1/fields", { from: table }, signal),
    staleTime: 60_000,
  });
  return fields.data?.fields ?? [];
}

/** A value, and how many events have it. */
export type CountedValue = { value: string; events: number };

/** The most frequent values of a field in some time. */
export function useFieldValues(table: string, field: string, range: ApiRange, enabled: boolean): CountedValue[] {
  const detail = useQuery({
    queryKey: ["field", table, field, range],
    queryFn: ({ signal }) =>
      getJson<FieldDetail>(
        `api/v1/fields/${encodeURIComponent(field)}`,
        { from: table, last: range.last, start: range.start, end: range.end, limit: 50 },
        signal,
      ),
    enabled: enabled && field !== "",
    staleTime: 60_000,
  });
  return (detail.data?.values ?? []).flatMap(({ value, events }) =>
    value === null || value === undefined || value === "" ? [] : [{ value: String(value), events: Number(events) }],
  );
}
