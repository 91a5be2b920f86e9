// How what is arranged is drawn and walked through: sizes, lines, and where the arrow keys lead.

export const placeWidth = 224;
export const placeHeight = 62;

export type Point = { x: number; y: number };
/** What of a map matters to its arrangement. */
export type Plan = {
  places: { id: string }[];
  calls: { id: string; from: string; to: string; calls: number }[];
};

export type Positions = { places: Map<string, Point>; calls: Map<string, Point[]> };

/** A smooth line through points, as the `d` of an SVG path: it leaves and meets each point level. */
export function lineThrough(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first || !rest.length) return "";
  let line = `M${first.x},${first.y}`;
  let before = first;
  for (const point of rest) {
    const bend = (point.x - before.x) / 2;
    line += `C${before.x + bend},${before.y} ${point.x - bend},${point.y} ${point.x},${point.y}`;
    before = point;
  }
  return line;
}

/** The middle of a line: there its label is. */
export function middleOf(points: Point[]): Point {
  const [one, other] = [points[Math.floor((points.length - 1) / 2)], points[Math.ceil((points.length - 1) / 2)]];
  return one && other ? { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 } : { x: 0, y: 0 };
}

export type Direction = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The place that an arrow key leads to: the nearest that way, where sideways steps count double. */
export function placeTowards(places: Map<string, Point>, from: string, key: Direction): string | undefined {
  const here = places.get(from);
  if (!here) return undefined;
  const across = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best: { id: string; far: number } | undefined;
  for (const [id, there] of places) {
    const ahead = sign * (across ? there.x - here.x : there.y - here.y);
    const aside = Math.abs(across ? there.y - here.y : there.x - here.x);
    if (ahead <= 1) continue;
    const far = ahead + 2 * aside;
    if (!best || far < best.far) best = { id, far };
  }
  return best?.id;
}
