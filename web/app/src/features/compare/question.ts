// From the page's address to the question that the server is asked.
import type { CompareRequest } from "../../api/types";
import { conditionOf, rangeOf, type Search, sqlName } from "../../lib/search";
import { boundsOf, iso, readLength } from "../../lib/time";
import type { CompareSearch } from "./search";

/** Conditions that must all hold, each in brackets where there are several. */
export function allOf(conditions: (string | undefined)[]): string | undefined {
  const given = conditions.map((one) => one?.trim()).filter((one) => one !== undefined && one !== "");
  return given.length > 1 ? given.map((one) => `(${one})`).join(" AND ") : given[0];
}

/**
 * The body of the question, or nothing where nothing is selected. The page's chips hold for both sides. An earlier time
 * is asked with fixed times on both sides, so that the two are of the same length.
 */
export function questionOf(search: Search & CompareSearch, now = Date.now()): CompareRequest | undefined {
  const { selection, baseline, before } = search;
  if (selection === undefined && before === undefined) return undefined;
  const chips = conditionOf(search.where);
  const from = search.table ?? "spans";
  const chosen = allOf([chips, selection]);
  if (before === undefined) {
    const others = allOf([chips, baseline]);
    return {
      from,
      range: rangeOf(search),
      selection: { where: chosen },
      ...(others && { baseline: { where: others } }),
    };
  }
  const { start, end } = boundsOf(search, now);
  const shift = before === "period" ? end - start : (readLength(before) ?? end - start);
  return {
    from,
    selection: { where: chosen, range: { start: iso(start), end: iso(end) } },
    baseline: {
      where: baseline === undefined ? chosen : allOf([chips, baseline]),
      range: { start: iso(start - shift), end: iso(end - shift) },
    },
  };
}

/** What stands before both conditions, up to an AND between whole conditions. */
export function commonOf(first: string, second: string): string {
  let common = "";
  let [depth, quoted] = [0, false];
  for (let place = 0; place < first.length && first[place] === second[place]; place++) {
    const letter = first[place];
    if (letter === "'") quoted = !quoted;
    if (!quoted && letter === "(") depth++;
    if (!quoted && letter === ")") depth--;
    if (!quoted && depth === 0 && first.slice(0, place + 1).endsWith(" AND ")) common = first.slice(0, place + 1);
  }
  // With an OR beside it, what comes before an AND does not hold for all.
  return / OR /i.test(first.slice(common.length)) || / OR /i.test(second.slice(common.length)) ? "" : common;
}

export type Sides = { both?: string; selection: string; baseline: string };

/** What the two sides are, in words; a condition that both have is told once. */
export function sidesOf(search: Search & CompareSearch): Sides {
  const { selection, baseline, before } = search;
  const chosen = selection ?? "all events";
  if (before === undefined) {
    if (baseline === undefined) return { selection: chosen, baseline: "the rest of the same time" };
    const common = commonOf(chosen, baseline);
    if (common === "") return { selection: chosen, baseline };
    return {
      both: common.slice(0, -" AND ".length),
      selection: chosen.slice(common.length),
      baseline: baseline.slice(common.length),
    };
  }
  const when = before === "period" ? "the time before, as long" : `${before} earlier`;
  return { selection: chosen, baseline: baseline === undefined ? `the same, ${when}` : `${baseline}, ${when}` };
}

/** Where the server found no events on a side, which is no fault: what to do about it. */
export function emptySide({ status, detail }: { status: number; detail: string }): string | undefined {
  if (status !== 400) return undefined;
  if (/^no event of \S+ is in the selection/.test(detail))
    return "No event fits the selection in this time. Choose a longer time, or look whether the condition is as meant.";
  if (/^all events of /.test(detail))
    return "Every event of this time is in the selection, so there is no rest. Narrow the selection, or compare with the time before.";
  if (/^no event of \S+ is in the baseline/.test(detail))
    return "No event is left to compare with in that time. Choose another time, or a wider condition.";
  return undefined;
}

/** The conditions with the field that was probably meant, where the refusal names both. */
export function corrected(
  { selection, baseline }: CompareSearch,
  { detail, suggestion }: { detail: string; suggestion: string | null },
): Pick<CompareSearch, "selection" | "baseline"> | undefined {
  const unknown = /unknown field `([^`]+)`/.exec(detail)?.[1];
  if (!unknown || !suggestion) return undefined;
  const replace = (text: string | undefined) => text?.replaceAll(sqlName(unknown), sqlName(suggestion));
  const better = { selection: replace(selection), baseline: replace(baseline) };
  return better.selection === selection && better.baseline === baseline ? undefined : better;
}
