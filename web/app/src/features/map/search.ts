// The map page's own part of the address.
import { readText } from "../../lib/search";

/**
 * How much earlier the time compared with is (like `1d`); the place or call whose figures are shown; the place around
 * which alone is drawn, and how many hops around it; and whether it is drawn or listed.
 */
export type MapSearch = {
  before?: string | undefined;
  place?: string | undefined;
  around?: string | undefined;
  hops?: number | undefined;
  view?: "drawing" | "table" | undefined;
};

export function readMapSearch(raw: Record<string, unknown>): MapSearch {
  const hops = Number(readText(raw.hops));
  const view = readText(raw.view);
  return {
    before: readText(raw.before),
    place: readText(raw.place),
    around: readText(raw.around),
    hops: Number.isInteger(hops) && hops >= 1 && hops <= 9 ? hops : undefined,
    view: view === "drawing" || view === "table" ? view : undefined,
  };
}
