// Times as people write them: relative text, ISO, a number since 1970; and ranges made wider or absolute.
import type { Search } from "./search";
import { defaultLast } from "./search";

const units: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3, w: 604_800e3 };
const words: Record<string, string> = {
  second: "s",
  sec: "s",
  minute: "m",
  min: "m",
  hour: "h",
  hr: "h",
  day: "d",
  week: "w",
};

/** A length of time like `45m` in milliseconds, or nothing if it is none. */
export function readLength(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  const unit = units[match?.[2] ?? ""];
  return match && unit ? Number(match[1]) * unit : undefined;
}

/** A length of time in milliseconds, written with the largest unit that leaves no rest. */
export function writeLength(milliseconds: number): string {
  for (const unit of ["w", "d", "h", "m", "s"]) {
    const size = units[unit] ?? 1;
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return `${Math.round(milliseconds)}ms`;
}

/** A moment in milliseconds: ISO 8601, or a number since 1970 in seconds, milli-, micro- or nanoseconds by its size. */
export function readMoment(text: string, utc = false): number | undefined {
  const trimmed = text.trim();
  if (/^\d{9,19}(\.\d+)?$/.test(trimmed)) {
    const whole = trimmed.split(".")[0] ?? trimmed;
    const value = Number(trimmed);
    if (whole.length >= 18) return value / 1e6;
    if (whole.length >= 15) return value / 1e3;
    return whole.length >= 12 ? value : value * 1e3;
  }
  if (!/^\d{4}-\d\d-\d\d/.test(trimmed)) return undefined;
  let iso = trimmed.replace(" ", "T");
  if (!iso.includes("T")) iso += "T00:00";
  // Without a zone a time is as the clocks that the page shows.
  if (utc && !/(Z|[+-]\d\d:?\d\d)$/i.test(iso)) iso += "Z";
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : time;
}

/** What someone wrote for a time: `last 45 minutes`, `2h`, `2026-11-26 09:00 to 10:00`, or one moment and the minutes around it. */
export function readRange(text: string, utc = false): Search | undefined {
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/^(the )?(last|past)\s+/, "");
  if (readLength(plain) !== undefined) return { last: plain };
  const spoken = /^(\d+(?:\.\d+)?)\s*([a-z]+?)s?$/.exec(plain);
  const bare = /^(hour|day|week|minute)$/.exec(plain);
  const unit = words[spoken?.[2] ?? ""] ?? (readLength(`1${spoken?.[2]}`) === undefined ? undefined : spoken?.[2]);
  if (spoken && unit) return { last: `${spoken[1]}${unit}` };
  if (bare) return { last: `1${words[bare[1] ?? ""]}` };
  const [first, second, ...rest] = text.split(/\s+(?:to|until|–|—|-)\s+|\s*\/\s*|\s*\.\.\s*/i);
  const start = first ? readMoment(first, utc) : undefined;
  if (start === undefined || rest.length) return undefined;
  if (second === undefined) return { from: iso(start - 300e3), to: iso(start + 300e3) };
  // A second time without a day is on the day of the first.
  const day = first?.trim().slice(0, 10) ?? "";
  const end = /^now$/i.test(second.trim())
    ? Date.now()
    : (readMoment(second, utc) ?? readMoment(`${day} ${second.trim()}`, utc));
  return end !== undefined && end > start ? { from: iso(start), to: iso(end) } : undefined;
}

/** A moment as the address has it. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** Start and end in milliseconds, as they are at `now`. */
export function boundsOf(search: Search, now = Date.now()): { start: number; end: number } {
  if (search.from) {
    const start = readMoment(search.from) ?? now - 3_600e3;
    return { start, end: (search.to ? readMoment(search.to) : undefined) ?? now };
  }
  return { start: now - (readLength(search.last ?? defaultLast) ?? 3_600e3), end: now };
}

/** The same range with fixed times, for a link that shows others what is here now. */
export function absolute(search: Search, now = Date.now()): Search {
  const { start, end } = boundsOf(search, now);
  return { ...search, last: undefined, live: undefined, from: iso(start), to: iso(end) };
}

/** Twice as long: further back for `last`, both ways for fixed times. */
export function zoomedOut(search: Search, now = Date.now()): Search {
  const { start, end } = boundsOf(search, now);
  if (!search.from) return { ...search, last: writeLength((end - start) * 2) };
  const half = (end - start) / 2;
  return { ...search, from: iso(start - half), to: iso(Math.min(end + half, Math.max(now, end))) };
}
