// Asks the API for what the explore page shows.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { postJson } from "../../api/client";
import { followsTime } from "../../api/queries";
import type { Answer, QueryRequest } from "../../api/types";
import { formatTime } from "../../lib/format";
import { paths } from "../../paths";
import type { Address } from "./question/question";

export function useAddress(): Address {
  return useSearch({ from: paths.explore });
}

/** Changes parts of the address; each change is a step of the browser's history, unless it is to replace the last one. */
export function useChange(): (change: Partial<Address>, how?: { replace: boolean }) => void {
  const navigate = useNavigate({ from: paths.explore });
  return useCallback(
    (change, how) =>
      void navigate({ search: (before: Address) => ({ ...before, ...change }), resetScroll: false, ...how }),
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
    meta: followsTime,
    placeholderData: keepPreviousData,
  });
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
