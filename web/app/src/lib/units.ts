// How the figures of a column are written: by the unit that its name, or a metric, says.
import { formatBytes, formatCount, formatDuration, formatPercent, formatTime } from "./format";

export type Format = (value: unknown) => string;

type Kind = { kind: "duration" | "bytes"; size: number } | { kind: "share" | "percent" | "count" | "name"; size: 1 };

const durations: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3_600e9 };
const bytes: Record<string, number> = { By: 1, kBy: 1e3, KiBy: 1024, MBy: 1e6, MiBy: 1024 ** 2, GiBy: 1024 ** 3 };

/** The unit of a metric as it was sent (UCUM); what is not known is a count. */
function kindOfUnit(unit: string): Kind {
  if (durations[unit]) return { kind: "duration", size: durations[unit] };
  if (bytes[unit]) return { kind: "bytes", size: bytes[unit] };
  return { kind: unit === "%" ? "percent" : "count", size: 1 };
}

/** Numbers that name something are no amounts: a port has no thousands. */
const naming = /(^|[._])(id|pid|port|code|number|line|lineno|year|version)$/;

/** Whether each figure of this unit is written with it. */
export function isWritten(unit: string): boolean {
  return kindOfUnit(unit).kind !== "count";
}

/** The unit that ends a name: `duration_ns`, `p99_ms`, `http.response.body.size`, `cpu_percent`. */
function kindOfName(name: string): Kind {
  const duration = /_(ns|us|ms|s|seconds|sec|min)$/.exec(name)?.[1];
  if (duration) return { kind: "duration", size: durations[duration] ?? 1e9 };
  if (/(^|[._])bytes$|\.body\.size$/.test(name)) return { kind: "bytes", size: 1 };
  if (/(^|[._])percent$/.test(name)) return { kind: "percent", size: 1 };
  if (naming.test(name)) return { kind: "name", size: 1 };
  return /(^|[._])(share|ratio)$/.test(name) ? { kind: "share", size: 1 } : { kind: "count", size: 1 };
}

function written(value: number, { kind, size }: Kind): string {
  if (kind === "duration") return formatDuration(value * size);
  if (kind === "bytes") return formatBytes(value * size);
  if (kind === "name") return String(value);
  if (kind === "share") return formatPercent(value);
  return kind === "percent" ? `${formatCount(value)} %` : formatCount(value);
}

/** Large integers come as text. */
function readNumber(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
}

function formatted(value: unknown, kind: Kind, suffix = ""): string {
  if (value === null || value === undefined) return "–";
  const number = readNumber(value);
  if (number !== null && (kind.kind !== "count" || typeof value === "number"))
    return `${written(number, kind)}${suffix}`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** For a field, or a calculation with one: `p99(duration_ns)` is a duration, `count_distinct(duration_ns)` is not. */
export function formatOf(name: string): Format {
  const [, calculation, field = ""] = /^([a-z_]+[0-9.]*)\((.*)\)$/.exec(name) ?? [];
  if (name === "rate") return (value) => formatted(value, { kind: "count", size: 1 }, "/s");
  if (!calculation) return (value) => formatted(value, kindOfName(name));
  if (/^(min|max|first|last)$/.test(calculation) && /^(time|received_at)$/.test(field))
    return (value) => (typeof value === "string" ? formatTime(value) : "–");
  if (/^(count|count_distinct|heatmap)$/.test(calculation))
    return (value) => formatted(value, { kind: "count", size: 1 });
  return (value) => formatted(value, kindOfName(field), calculation === "rate" ? "/s" : "");
}

/** For a calculation over a metric with this unit. How many values a histogram has counted has no unit. */
export function formatOfMetric(calculation: string, unit: string): Format {
  const suffix = calculation.startsWith("rate") ? "/s" : "";
  if (calculation.startsWith("count") || calculation.includes("(count)"))
    return (value) => formatted(value, { kind: "count", size: 1 }, suffix);
  return (value) => formatted(value, kindOfUnit(unit), suffix);
}

/** A cell of an answer, by the type and the name of its column. */
export function formatCell(value: unknown, column: { name: string; type: string }): string {
  if (column.type === "timestamp_ns" && (typeof value === "string" || typeof value === "number"))
    return formatTime(value);
  return isNumeric(column.type) ? formatOf(column.name)(value) : formatted(value, { kind: "count", size: 1 });
}

export function isNumeric(type: string): boolean {
  return /^(u?int|float)/.test(type);
}
