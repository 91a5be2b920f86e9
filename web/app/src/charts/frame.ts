// Where the drawing lies within a chart: what is laid over it needs the same places.

/** The width of the axis of values, and the room to the right and above, in pixels. */
export const axisWidth = 64;
export const roomRight = 18;
export const roomAbove = 8;
/** The height of the axis of time. */
export const axisHeight = 36;

/** The moment under a pointer, between start and end; nothing beside the drawing. */
export function momentAt(chart: Element, clientX: number, start: number, end: number): number | undefined {
  const { left, width } = chart.getBoundingClientRect();
  const part = (clientX - left - axisWidth) / (width - axisWidth - roomRight);
  return part >= 0 && part <= 1 ? start + part * (end - start) : undefined;
}
