// What stands at the ticks of a time axis: the clock of 24 hours, and the day where it begins or changes.
import { timesInUtc } from "../lib/zone";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

/** Labels of ticks in seconds since 1970, which are `increment` seconds apart. */
export function timeLabels(ticks: number[], increment: number, utc = timesInUtc()): string[] {
  let day = "";
  return ticks.map((tick) => {
    const date = clock(tick, utc);
    const today = `${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
    const changed = today !== day;
    day = today;
    if (increment >= 86_400) return today;
    const minutes = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
    const seconds = increment < 60 ? `:${two(date.getUTCSeconds())}` : "";
    const rest = increment < 1 ? `.${String(date.getUTCMilliseconds()).padStart(3, "0")}` : "";
    return `${minutes}${seconds}${rest}${changed ? `\n${today}` : ""}`;
  });
}

/** A date whose UTC parts are what the clock shows. */
export function clock(seconds: number, utc = timesInUtc()): Date {
  const date = new Date(seconds * 1000);
  return utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
}
