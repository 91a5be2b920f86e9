// The compare page's own part of the address.
import { readText } from "../../lib/search";

/** The table, the condition of the events that are asked about, and that of the others (absent: all the rest). */
export type CompareSearch = { table?: string; selection?: string; baseline?: string };

export function readCompareSearch(raw: Record<string, unknown>): CompareSearch {
  return { table: readText(raw.table), selection: readText(raw.selection), baseline: readText(raw.baseline) };
}
