// Which texts a condition can become when the name at its end is completed.
import { sqlName } from "../../lib/search";

const most = 20;

/** The whole text with each name that fits; nothing inside a quoted value, or where a value is due. */
export function completionsOf(text: string, names: readonly string[]): string[] {
  const quotes = text.split("'").length - 1;
  if (quotes % 2 === 1) return [];
  const match = /(^|[\s(])"?([A-Za-z_][\w.]*)?$/.exec(text);
  if (!match) return [];
  const word = match[2] ?? "";
  const start = text.slice(0, text.length - match[0].length) + (match[1] ?? "");
  // A name is due at the start, behind a bracket, and behind a word that joins conditions.
  if (!/(^|\(|\b(and|or|not))\s*$/i.test(start)) return [];
  const wanted = word.toLowerCase();
  const fitting = names.filter((name) => name.toLowerCase().includes(wanted) && name !== word);
  // Names that begin so go before those that only contain it; within each, the order given is kept.
  const begins = fitting.filter((name) => name.toLowerCase().startsWith(wanted));
  const contains = fitting.filter((name) => !name.toLowerCase().startsWith(wanted));
  return [...new Set([...begins, ...contains])].slice(0, most).map((name) => start + sqlName(name));
}
