// The saved page's own part of the address.
import { readText } from "../../lib/search";

/** `find` is what the names and descriptions have to hold. */
export type SavedSearch = { find?: string | undefined };

export function readSavedSearch(raw: Record<string, unknown>): SavedSearch {
  return { find: readText(raw.find) };
}
