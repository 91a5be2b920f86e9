// The compare page's own part of the address.
import { readText } from "../../lib/search";

/**
 * The table, the condition of the events that are asked about, and that of the others (absent: all the rest). With
 * `before`, the others are of an earlier time: by so long (`1d`), or by the length of the page's time (`period`).
 */
export type CompareSearch = { table?: string; selection?: string; baseline?: string; before?: string };

export function readCompareSearch(raw: Record<string, unknown>): CompareSearch {
  const before = readText(raw.before);
  return {
    table: readText(raw.table),
    selection: readText(raw.selection),
    baseline: readText(raw.baseline),
    before: before && /^(period|\d+(\.\d+)?(ms|s|m|h|d|w))$/.test(before) ? before : undefined,
  };
}
