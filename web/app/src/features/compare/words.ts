// The words of the compare page: what a value, an effect and a chance are to someone who has never seen one.
import type { Comparison, ValueShares } from "../../api/types";
import { formatCount, formatDuration } from "../../lib/format";
import type { Chip } from "../../lib/search";

/** A value as it is read; durations in their unit. */
export function valueText(field: string, value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return field.endsWith("duration_ns") ? formatDuration(value) : String(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What an event of this row has: `at least 812 ms`. */
export function testText(field: string, { test, value }: Pick<ValueShares, "test" | "value">): string {
  const shown = plainText(valueText(field, value));
  if (test === "present") return "is there";
  if (test === "absent") return "is missing";
  if (test === "at_least") return `at least ${shown}`;
  if (test === "below") return `below ${shown}`;
  return shown === "" ? "an empty text" : shown;
}

/** The same as a chip; nothing where the value is none that a chip can hold. */
export function chipOf(field: string, { test, value }: Pick<ValueShares, "test" | "value">): Chip | undefined {
  if (test === "present") return { field, operator: "exists", value: null };
  if (test === "absent") return { field, operator: "missing", value: null };
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return undefined;
  return { field, operator: test === "at_least" ? ">=" : test === "below" ? "<" : "=", value };
}

/** How well a value tells the sides apart. */
export function effectText(effect: number): string {
  const figure = effect.toFixed(2);
  if (effect >= 0.8) return `effect ${figure}: tells the two sides apart nearly always`;
  if (effect >= 0.4) return `effect ${figure}: tells much`;
  if (effect >= 0.15) return `effect ${figure}: tells something`;
  return `effect ${figure}: tells little`;
}

/** How likely chance is, as a bound. */
export function chanceText(pValue: number): string {
  if (pValue < 1e-6) return "chance: less than one in a million";
  if (pValue < 0.001) return `chance: less than one in ${formatCount(floorTo(1 / pValue))}`;
  return `chance: at most ${Number((pValue * 100).toPrecision(2))} %`;
}

function floorTo(value: number): number {
  const size = 10 ** Math.floor(Math.log10(value));
  return Math.floor(value / size) * size;
}

/** So many events, of a share of a side. */
export function countText(share: number, events: number): string {
  return `${formatCount(Math.round(share * events))} of ${formatCount(Math.round(events))}`;
}

/** How much is on one side: `1,749 events of 809 traces`. */
export function sizeText({ events, traces }: { events: number; traces: number }): string {
  const counted = (count: number, one: string) =>
    `${formatCount(Math.round(count))} ${one}${Math.round(count) === 1 ? "" : "s"}`;
  return `${counted(events, "event")} of ${counted(traces, "trace")}`;
}

/** The verdict as the page's lead, and what follows from it. */
export function verdictText(answer: Pick<Comparison, "verdict" | "summary">): { lead: string; advice?: string } {
  const lead = `${answer.summary.charAt(0).toUpperCase()}${answer.summary.slice(1)}`;
  if (answer.verdict === "nothing")
    return {
      lead,
      advice:
        "That is an answer: what you see is not in the fields that are sent. A field that would tell it may be missing from the events.",
    };
  // The server's sentence says why; the page's lead says what that comes to.
  if (answer.verdict === "cannot tell") return { lead: "This cannot be told", advice: `${lead}.` };
  return { lead };
}

/** Text without the marks that turn the direction of what follows: those would turn the rest of the sentence, too. */
export function plainText(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** A sentence in parts: its field, which stands in backticks, and the rest. A name may hold backticks itself. */
export function partsOf(sentence: string, field?: string): { text: string; name: boolean }[] {
  const marked = `\`${field}\``;
  const start = field === undefined ? -1 : sentence.indexOf(marked);
  if (field === undefined || start < 0) return [{ text: plainText(sentence), name: false }];
  return [
    { text: plainText(sentence.slice(0, start)), name: false },
    { text: plainText(field), name: true },
    { text: plainText(sentence.slice(start + marked.length)), name: false },
  ].filter(({ text }) => text !== "");
}
