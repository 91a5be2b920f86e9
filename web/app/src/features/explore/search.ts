// The explore page's own part of the address.
import { readText, readTexts } from "../../lib/search";

/** The table, what it is grouped by and calculated, and the box drawn on the heatmap. */
export type ExploreSearch = { table?: string; group?: string[]; calculate?: string[]; box?: string };

export function readExploreSearch(raw: Record<string, unknown>): ExploreSearch {
  return {
    table: readText(raw.table),
    group: readTexts(raw.group),
    calculate: readTexts(raw.calculate),
    box: readText(raw.box),
  };
}
