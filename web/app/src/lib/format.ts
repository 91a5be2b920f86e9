// Figures as people read them: durations, counts, bytes, shares and times. Nanosecond times are text or BigInt.
import { timesInUtc } from "./zone";

const steps: [number, string][] = [
  [3_600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

function three(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2);
}

/** A duration given in nanoseconds, with three digits: `1.24 ms`. */
export function formatDuration(nanoseconds: number | string | bigint | null | undefined): string {
  if (nanoseconds === null || nanoseconds === undefined) return "–";
  const value = Number(nanoseconds);
  for (const [size, unit] of steps) if (Math.abs(value) >= size) return `${three(value / size)} ${unit}`;
  return `${three(value)} ns`;
}

/** A count with thousands parted: `1,204,331`. */
export function formatCount(count: number | bigint | null | undefined): string {
  return count === null || count === undefined ? "–" : count.toLocaleString("en-GB", { maximumFractionDigits: 2 });
}

/** Bytes in powers of 1024: `12.4 MiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (Math.abs(value) < 1024 || unit === "TiB") return `${three(value)} ${unit}`;
    value /= 1024;
  }
  return String(bytes);
}

/** A share from 0 to 1: `3.4 %`; what is not nothing is never shown as nothing. */
export function formatPercent(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  if (share > 0 && share < 0.0001) return "< 0.01 %";
  if (share < 1 && share > 0.9999) return "> 99.99 %";
  const value = share * 100;
  return `${Number(value.toFixed(value < 1 ? 2 : 1))} %`;
}

/** A moment given in nanoseconds since 1970, to the millisecond, in the zone that was chosen: `2026-11-26 09:14:03.120`. */
export function formatTime(nanoseconds: string | number | bigint, utc = timesInUtc()): string {
  const date = new Date(Number(BigInt(nanoseconds) / 1_000_000n));
  const two = (value: number, width = 2) => String(value).padStart(width, "0");
  const [year, month, day, hour, minute, second, rest] = utc
    ? [
        date.getUTCFullYear(),
        date.getUTCMonth(),
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
        date.getUTCMilliseconds(),
      ]
    : [
        date.getFullYear(),
        date.getMonth(),
        date.getDate(),
        date.getHours(),
        date.getMinutes(),
        date.getSeconds(),
        date.getMilliseconds(),
      ];
  return `${year}-${two(month + 1)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}.${two(rest, 3)}`;
}

/** How long ago a moment was: `3 min ago`. */
export function formatAge(nanoseconds: string | number | bigint, now = Date.now()): string {
  const seconds = Math.max(0, now / 1000 - Number(BigInt(nanoseconds) / 1_000_000n) / 1000);
  if (seconds < 1) return "just now";
  for (const [size, unit] of [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
  ] as const) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return `${Math.floor(seconds)} s ago`;
}
