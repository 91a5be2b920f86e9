// The trace page's own part of the address.
import { readText } from "../../lib/search";

export const tabs = ["waterfall", "flame", "statistics", "spans", "logs", "compare"] as const;
export type Tab = (typeof tabs)[number];

/** The chosen span, the tab, the part of time shown (`start-end` in nanoseconds of the trace), the field that statistics are by, and the trace that this one is compared with. */
export type TraceSearch = { span?: string; tab?: Tab; time?: string; by?: string; against?: string };

export function readTraceSearch(raw: Record<string, unknown>): TraceSearch {
  return {
    span: readText(raw.span),
    tab: tabs.find((tab) => tab === raw.tab),
    time: readText(raw.time),
    by: readText(raw.by),
    against: readText(raw.against),
  };
}
