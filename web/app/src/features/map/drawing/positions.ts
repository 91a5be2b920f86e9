// Where the places of a map are drawn: callers left, what they call to the right.
import { Graph as Layout, layout } from "@dagrejs/dagre";
import { type Plan, type Point, type Positions, placeHeight, placeWidth } from "./layout";

/** A call's line, from the right of its caller to the left of what it calls, though not all at one point. */
function fromSideToSide(points: Point[], from: Point, to: Point): Point[] {
  const [start, end] = [points[0], points.at(-1)];
  // What leads back to the left keeps the way around that the layout has found.
  if (!start || !end || from.x + placeWidth >= to.x) return points;
  const level = (corner: Point, wanted: number) => {
    const middle = corner.y + placeHeight / 2;
    return middle + Math.max(-18, Math.min(18, (wanted - middle) / 2));
  };
  const inner = points.length > 3 ? points.slice(1, -1) : [];
  return [
    { x: from.x + placeWidth, y: level(from, (inner[0] ?? end).y) },
    ...inner,
    { x: to.x, y: level(to, (inner.at(-1) ?? start).y) },
  ];
}

/**
 * The upper left corner of each place, and the points that each call goes through. Takes up to two seconds for 150 places
 * with many calls, so it is done beside the page.
 */
export function positionsOf(graph: Plan): Positions {
  const plan = new Layout({ multigraph: true });
  plan.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 120, edgesep: 18, marginx: 8, marginy: 8 });
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
    const [from, to] = [places.get(call.from), places.get(call.to)];
    if (from && to) calls.set(call.id, fromSideToSide(points, from, to));
  }
  return { places, calls };
}
