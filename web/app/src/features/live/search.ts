// The live page's own part of the address.
import { readText } from "../../lib/search";

/** The table that is followed. */
export type LiveSearch = { table?: string };

export function readLiveSearch(raw: Record<string, unknown>): LiveSearch {
  return { table: readText(raw.table) };
}
