// The box drawn on the heatmap: in the address, as a condition, and as the time and chips that it stands for.
import { type Chip, sqlName } from "../../../lib/search";

/** Nanoseconds since 1970 as text; `end` is not included, nor is `high`, which is absent if there is no limit above. */
export type Box = { start: string; end: string; low: number; high?: number; field: string };

export function writeBox({ start, end, low, high, field }: Box): string {
  return [start, end, low, high ?? "", field].join(",");
}

export function readBox(text: string | undefined): Box | undefined {
  const match = /^(\d{1,19}),(\d{1,19}),([^,]+),([^,]*),(.+)$/.exec(text ?? "");
  if (!match) return undefined;
  const [, start = "", end = "", below = "", above = "", field = ""] = match;
  const [low, high] = [Number(below), above === "" ? undefined : Number(above)];
  if (!Number.isFinite(low) || (high !== undefined && !(high > low)) || BigInt(end) <= BigInt(start)) return undefined;
  return { start, end, low, high, field };
}

/** A moment as RFC 3339 with all nine digits. */
export function rfc3339(nanoseconds: string): string {
  const value = BigInt(nanoseconds);
  const second = new Date(Number(value / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const rest = (value % 1_000_000_000n).toString().padStart(9, "0");
  return /^0+$/.test(rest) ? `${second}Z` : `${second}.${rest}Z`;
}

/** Durations are whole nanoseconds, so that a limit between two of them may as well be the upper one. */
function limit(field: string, value: number): number {
  return field.endsWith("_ns") ? Math.ceil(value) : value;
}

/** The SQL condition of the events in the box which also fulfil that of the page. */
export function boxCondition(box: Box, where: string | undefined): string {
  const name = sqlName(box.field);
  const parts = [
    where,
    `time >= '${rfc3339(box.start)}'`,
    `time < '${rfc3339(box.end)}'`,
    `${name} >= ${limit(box.field, box.low)}`,
    box.high === undefined ? undefined : `${name} < ${limit(box.field, box.high)}`,
  ];
  return parts.filter((one) => one !== undefined).join(" AND ");
}

/** The same as the page's time and chips. */
export function boxChips(box: Box, chips: Chip[] | undefined): { from: string; to: string; where: Chip[] } {
  const others = (chips ?? []).filter((one) => one.field !== box.field || !["<", ">="].includes(one.operator));
  const where: Chip[] = [...others, { field: box.field, operator: ">=", value: limit(box.field, box.low) }];
  if (box.high !== undefined) where.push({ field: box.field, operator: "<", value: limit(box.field, box.high) });
  return { from: rfc3339(box.start), to: rfc3339(box.end), where };
}
