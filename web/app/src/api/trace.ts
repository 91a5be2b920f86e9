// A trace's question, asked as soon as its address is known: while the page itself is still being loaded.
import { queryOptions } from "@tanstack/react-query";
import { getJson } from "./client";
import type { Trace } from "./types";

export function traceQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ["trace", id],
    queryFn: ({ signal }) => getJson<Trace>(`api/v1/traces/${id}`, {}, signal),
    enabled: id !== undefined,
    // Half a million attributes need not be compared with those before.
    structuralSharing: false,
  });
}
