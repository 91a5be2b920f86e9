// The trace page's own part of the address.
import { readText } from "../../lib/search";

/** The chosen span, and the tab of the page. */
export type TraceSearch = { span?: string; tab?: string };

export function readTraceSearch(raw: Record<string, unknown>): TraceSearch {
  return { span: readText(raw.span), tab: readText(raw.tab) };
}
