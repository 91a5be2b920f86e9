// The part of a trace's time that is shown, and where things are in it.

/** Start and end in nanoseconds since the trace's start. */
export type TimeWindow = { start: number; end: number };

/** A place in the window in percent, not beyond its edges. */
export function place(at: number, { start, end }: TimeWindow): number {
  return Math.min(100, Math.max(0, ((at - start) / (end - start)) * 100));
}

/** A window moved by a part of its length, kept inside the trace. */
export function pan(window: TimeWindow, part: number, duration: number): TimeWindow {
  const length = window.end - window.start;
  const start = Math.min(Math.max(0, window.start + length * part), Math.max(0, duration - length));
  return { start, end: start + length };
}

/** A window around the same middle, longer or shorter by a factor. */
export function zoom(window: TimeWindow, factor: number, duration: number): TimeWindow {
  const middle = (window.start + window.end) / 2;
  const length = Math.min(duration, Math.max(1, (window.end - window.start) * factor));
  const start = Math.min(Math.max(0, middle - length / 2), duration - length);
  return { start, end: start + length };
}

/** Round times for an axis, about `count` of them. */
export function axisTimes({ start, end }: TimeWindow, count: number): number[] {
  const rough = (end - start) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const times: number[] = [];
  for (let at = Math.ceil(start / step) * step; at <= end && times.length < 50; at += step) times.push(at);
  return times;
}

/** A window as the address has it: whole nanoseconds since the trace's start. */
export function writeWindow(window: TimeWindow | null): string | undefined {
  return window ? `${Math.round(window.start)}-${Math.round(window.end)}` : undefined;
}

/** The window of an address, or nothing if it is none of this trace. */
export function readWindow(text: string | undefined, duration: number): TimeWindow | null {
  const match = /^(\d+)-(\d+)$/.exec(text ?? "");
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  return match && start < end && start < duration ? { start, end: Math.min(end, duration) } : null;
}
