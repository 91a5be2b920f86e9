// Where the places of a map are drawn: callers left, what they call to the right.
import { Graph as Layout, layout } from "@dagrejs/dagre";
import type { Graph } from "./graph";

export const placeWidth = 208;
export const placeHeight = 62;

export type Point = { x: number; y: number };
export type Positions = { places: Map<string, Point>; calls: Map<string, Point[]> };

/** The upper left corner of each place, and the points that each call goes through. Takes 100 ms for 150 places. */
export function positionsOf(graph: Graph): Positions {
  const plan = new Layout({ multigraph: true });
  plan.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 96, edgesep: 18, marginx: 8, marginy: 8 });
  plan.setDefaultEdgeLabel(() => ({}));
  for (const { id } of graph.places) plan.setNode(id, { width: placeWidth, height: placeHeight });
  // Busy calls are kept straight.
  const most = Math.max(1, ...graph.calls.map(({ calls }) => calls));
  for (const call of graph.calls) {
    plan.setEdge(call.from, call.to, { weight: 1 + Math.round((3 * call.calls) / most), minlen: 1 }, call.id);
  }
  layout(plan);
  const places = new Map<string, Point>();
  for (const { id } of graph.places) {
    const { x = 0, y = 0 } = plan.node(id) as Partial<Point>;
    places.set(id, { x: x - placeWidth / 2, y: y - placeHeight / 2 });
  }
  const calls = new Map<string, Point[]>();
  for (const call of graph.calls) {
    const { points = [] } = plan.edge(call.from, call.to, call.id) as { points?: Point[] };
    calls.set(call.id, points);
  }
  return { places, calls };
}

/** A smooth line through points, as the `d` of an SVG path. */
export function lineThrough(points: Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  let line = `M${first.x},${first.y}`;
  rest.slice(0, -1).forEach((point, index) => {
    const next = rest[index + 1] ?? last;
    // The curve ends in the middle of two points, except that it reaches the last.
    const end = next === last ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    line += `Q${point.x},${point.y} ${end.x},${end.y}`;
  });
  return rest.length === 1 ? `${line}L${last.x},${last.y}` : line;
}

/** The point in the middle of a line: there its label is. */
export function middleOf(points: Point[]): Point {
  return points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
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
