// The SQL page's own part of the address.
import { readText } from "../../lib/search";

/** The statement. */
export type SqlSearch = { statement?: string };

export function readSqlSearch(raw: Record<string, unknown>): SqlSearch {
  return { statement: readText(raw.statement) };
}
