// The entity page's own part of the address.
import { readText } from "../../lib/search";

/** Who is looked at: a field and its value, such as `user.id` and `4711`. */
export type EntitySearch = { field?: string; value?: string };

export function readEntitySearch(raw: Record<string, unknown>): EntitySearch {
  return { field: readText(raw.field), value: readText(raw.value) };
}
