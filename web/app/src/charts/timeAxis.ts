// What stands at the ticks of a time axis: the clock of 24 hours, and the day where it begins or changes.

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

/** Labels of ticks in seconds since 1970, which are `increment` seconds apart. */
export function timeLabels(ticks: number[], increment: number): string[] {
  let day = "";
  return ticks.map((tick) => {
    const date = new Date(tick * 1000);
    const today = `${date.getDate()} ${months[date.getMonth()]}`;
    const changed = today !== day;
    day = today;
    if (increment >= 86_400) return today;
    const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
    const seconds = increment < 60 ? `:${two(date.getSeconds())}` : "";
    const rest = increment < 1 ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
    return `${minutes}${seconds}${rest}${changed ? `\n${today}` : ""}`;
  });
}
