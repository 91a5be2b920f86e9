// The map as places and calls, with what a second map differs in; and the part of it around one place.
import type { ApiMap, ApiNode, Changed, Edge } from "../../api/types";

export type Place = ApiNode & { changed: Changed[]; base: ApiNode | undefined };
export type Call = Edge & { id: string; changed: Changed[]; base: Edge | undefined };
export type Graph = { places: Place[]; calls: Call[] };

/** So many places are drawn at most: beyond, neither the eye nor the layout keeps up. */
export const drawnMax = 150;

export function callId(edge: Pick<Edge, "from" | "to" | "kind">): string {
  return `${edge.from} → ${edge.to} (${edge.kind})`;
}

/** All places and calls of the map; those that vanished are there with the figures they had. */
export function graphOf(map: ApiMap): Graph {
  const places = new Map<string, Place>(map.nodes.map((node) => [node.id, { ...node, changed: [], base: undefined }]));
  const calls = new Map<string, Call>(
    map.edges.map((edge) => [callId(edge), { ...edge, id: callId(edge), changed: [], base: undefined }]),
  );
  for (const { now, base, changed } of map.difference?.nodes ?? []) {
    const node = now ?? base;
    if (node) places.set(node.id, { ...node, changed, base: base ?? undefined });
  }
  for (const { now, base, changed } of map.difference?.edges ?? []) {
    const edge = now ?? base;
    if (edge) calls.set(callId(edge), { ...edge, id: callId(edge), changed, base: base ?? undefined });
  }
  // A call is drawn only between places that are there.
  const drawable = [...calls.values()].filter((call) => places.has(call.from) && places.has(call.to));
  return { places: [...places.values()], calls: drawable };
}

/** How many hops each place is from one, against and along calls; those beyond `hops` are left out. */
export function hopsFrom(graph: Graph, from: string, hops: number): Map<string, number> {
  const beside = new Map<string, string[]>();
  const join = (one: string, other: string) => {
    const known = beside.get(one);
    if (known) known.push(other);
    else beside.set(one, [other]);
  };
  for (const call of graph.calls) {
    join(call.from, call.to);
    join(call.to, call.from);
  }
  const found = new Map<string, number>([[from, 0]]);
  let ring = [from];
  for (let hop = 1; hop <= hops && ring.length; hop++) {
    const next: string[] = [];
    for (const place of ring) {
      for (const other of beside.get(place) ?? []) {
        if (found.has(other)) continue;
        found.set(other, hop);
        next.push(other);
      }
    }
    ring = next;
  }
  return found;
}

/** What is drawn: `around` and `hops` where it is not all, and how many places are not shown. */
export type Part = Graph & { around: string | undefined; hops: number | undefined; hidden: number };

function keep(graph: Graph, ids: ReadonlySet<string>, around?: string, hops?: number): Part {
  return {
    places: graph.places.filter(({ id }) => ids.has(id)),
    calls: graph.calls.filter((call) => ids.has(call.from) && ids.has(call.to)),
    around,
    hops,
    hidden: graph.places.length - ids.size,
  };
}

/** The nearest places first, of equally near ones the busiest, as many as can be drawn. */
function nearest(graph: Graph, distances: Map<string, number>): Set<string> {
  const busy = new Map(graph.places.map((place) => [place.id, place.calls]));
  const ranked = [...distances].sort(
    ([left, near], [right, far]) => near - far || (busy.get(right) ?? 0) - (busy.get(left) ?? 0),
  );
  return new Set(ranked.slice(0, drawnMax).map(([id]) => id));
}

/** Around a place if one is named; all if that can be drawn; else as many hops around the busiest place as can be. */
export function partOf(graph: Graph, around: string | undefined, hops: number | undefined): Part {
  if (around !== undefined && graph.places.some(({ id }) => id === around)) {
    const wanted = hops ?? 1;
    return keep(graph, nearest(graph, hopsFrom(graph, around, wanted)), around, wanted);
  }
  if (graph.places.length <= drawnMax) return keep(graph, new Set(graph.places.map(({ id }) => id)));
  const busiest = graph.places.reduce((best, place) => (place.calls > best.calls ? place : best)).id;
  let [wide, found] = [1, hopsFrom(graph, busiest, 1)];
  for (let next = found; wide < 9; wide++) {
    next = hopsFrom(graph, busiest, wide + 1);
    if (next.size > drawnMax || next.size === found.size) break;
    found = next;
  }
  return keep(graph, nearest(graph, found), busiest, wide);
}
