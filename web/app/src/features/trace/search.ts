// The trace page's own part of the address.
import { readText } from "../../lib/search";

export const tabs = ["waterfall", "flame", "statistics", "spans", "logs", "compare"] as const;
export type Tab = (typeof tabs)[number];

/** The chosen span, the tab, the field that statistics are by, and the trace that this one is compared with. */
export type TraceSearch = { span?: string; tab?: Tab; by?: string; against?: string };

export function readTraceSearch(raw: Record<string, unknown>): TraceSearch {
  return {
    span: readText(raw.span),
    tab: tabs.find((tab) => tab === raw.tab),
    by: readText(raw.by),
    against: readText(raw.against),
  };
}
