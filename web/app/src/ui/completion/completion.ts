// Which texts a condition in SQL can become when the name, or the value, at its end is completed.
import { sqlName, sqlValue } from "../../lib/search";

const most = 20;

function isQuoted(text: string): boolean {
  return (text.split("'").length - 1) % 2 === 1;
}

/** The whole text with each name that fits; nothing inside a quoted value, or where a value is due. */
export function completionsOf(text: string, names: readonly string[]): string[] {
  if (isQuoted(text)) return [];
  const match = /(^|[\s(])"?([A-Za-z_][\w.]*)?$/.exec(text);
  if (!match) return [];
  const word = match[2] ?? "";
  const start = text.slice(0, text.length - match[0].length) + (match[1] ?? "");
  // A name is due at the start, behind a bracket, and behind a word that joins conditions.
  if (!/(^|\(|\b(and|or|not))\s*$/i.test(start) || /\bin\s*\($/i.test(start)) return [];
  const wanted = word.toLowerCase();
  const fitting = names.filter((name) => name.toLowerCase().includes(wanted) && name !== word);
  // Names that begin so go before those that only contain it; within each, the order given is kept.
  const begins = fitting.filter((name) => name.toLowerCase().startsWith(wanted));
  const contains = fitting.filter((name) => !name.toLowerCase().startsWith(wanted));
  return [...new Set([...begins, ...contains])].slice(0, most).map((name) => start + sqlName(name));
}

/** The field whose value is due at the end, what stands before that value, and what is written of it. */
export type ValuePlace = { field: string; start: string; part: string };

const compared =
  /(?:^|[\s(])("(?:[^"]|"")+"|[A-Za-z_][\w.]*)(?:\s*(?:=|!=|<>)|\s+(?:NOT\s+)?IN\s*\((?:[^()]*,)?)\s*('(?:[^']|'')*|[\w.-]*)$/i;

export function valuePlace(text: string): ValuePlace | undefined {
  const match = compared.exec(text);
  const [, name, part] = match ?? [];
  if (name === undefined || part === undefined) return undefined;
  const start = text.slice(0, text.length - part.length);
  if (isQuoted(start)) return undefined;
  const field = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
  return { field, start, part: part.replace(/^'/, "").replaceAll("''", "'") };
}

/** The whole text with each value that fits; values of fields that hold no text are not quoted. */
export function valueCompletions(place: ValuePlace, values: readonly string[], isText: boolean): Map<string, string> {
  const wanted = place.part.toLowerCase();
  const fitting = values.filter((value) => value.toLowerCase().includes(wanted) && value !== place.part);
  return new Map(
    fitting.slice(0, most).map((value) => [`${place.start}${isText ? sqlValue(value) : value}`, value] as const),
  );
}
