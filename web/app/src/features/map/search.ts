// The map page's own part of the address.
import { readText } from "../../lib/search";

/** How much earlier the time compared with is (like `1d`), and the place chosen on the map. */
export type MapSearch = { before?: string; place?: string };

export function readMapSearch(raw: Record<string, unknown>): MapSearch {
  return { before: readText(raw.before), place: readText(raw.place) };
}
