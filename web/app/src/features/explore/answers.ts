// Asks the API for what the explore page shows, and knows how its figures are written.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { postJson } from "../../api/client";
import type { Answer, QueryRequest } from "../../api/types";
import { formatCount, formatDuration, formatTime } from "../../lib/format";
import { paths } from "../../paths";
import type { Address } from "./question/question";

export function useAddress(): Address {
  return useSearch({ from: paths.explore });
}

/** Changes parts of the address; each change is a step of the browser's history. */
export function useChange(): (change: Partial<Address>) => void {
  const navigate = useNavigate({ from: paths.explore });
  return useCallback(
    (change) => void navigate({ search: (before: Address) => ({ ...before, ...change }), resetScroll: false }),
    [navigate],
  );
}

/** The key under which answers of this page are kept, so that all of them can be asked for again. */
export const answersKey = "explore";

export function useAnswer(body: QueryRequest | undefined) {
  return useQuery({
    queryKey: [answersKey, body],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", body, signal),
    enabled: body !== undefined,
    placeholderData: keepPreviousData,
  });
}

/** How figures of a field or calculation are written: durations by unit, times as times, others as numbers. */
export function formatOf(name: string): (value: unknown) => string {
  if (/^count|^rate$/.test(name) || name === "heatmap") return plain;
  if (/_ns\b/.test(name)) return (value) => formatDuration(value as number | null);
  if (/^(min|max|first|last)\((time|received_at)\)$/.test(name))
    return (value) => (typeof value === "string" ? formatTime(value) : "–");
  return plain;
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? formatCount(value) : typeof value === "string" ? value : JSON.stringify(value);
}

/** A moment on a chart. */
export function formatSeconds(seconds: number): string {
  return formatTime(BigInt(Math.round(seconds * 1000)) * 1_000_000n).slice(0, 19);
}

/** A cell as a number, for charts and bars: large integers come as text. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
}

/** A cell as a value that a filter can have. */
export function cellValue(cell: unknown): string | number | boolean | null {
  return typeof cell === "string" || typeof cell === "number" || typeof cell === "boolean" ? cell : null;
}
