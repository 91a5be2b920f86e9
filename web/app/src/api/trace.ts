// A trace's questions. Its outline is asked for as soon as the address is known, while the page itself is still being
// loaded; the whole, which is ten times as much, when someone wants it.
import { queryOptions } from "@tanstack/react-query";
import { getJson } from "./client";
import type { Trace, TraceOutline } from "./types";

// Half a million attributes need not be compared with those before.
const structuralSharing = false;

/** All that a picture of the trace needs. */
export function outlineQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ["trace", id, "outline"],
    queryFn: ({ signal }) => getJson<TraceOutline>(`api/v1/traces/${id}`, { view: "outline" }, signal),
    enabled: id !== undefined,
    structuralSharing,
  });
}

/** The trace with all attributes, events and log records. */
export function traceQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ["trace", id, "whole"],
    queryFn: ({ signal }) => getJson<Trace>(`api/v1/traces/${id}`, {}, signal),
    enabled: id !== undefined,
    structuralSharing,
  });
}

/** One span of the trace with its log records. */
export function spanQuery(id: string, span: string) {
  return queryOptions({
    queryKey: ["trace", id, "span", span],
    queryFn: ({ signal }) => getJson<Trace>(`api/v1/traces/${id}`, { span_id: span }, signal),
    structuralSharing,
  });
}
