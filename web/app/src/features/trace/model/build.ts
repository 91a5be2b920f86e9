// A trace as a tree in reading order: every span behind its parent, siblings by time. Linear in the spans, and without
// recursion, since traces are as deep as people make them.
import { markCriticalPath } from "./critical";
import { added, none } from "./lists";
import { childLists, singleSpans } from "./parents";
import type { LogShape, SpanShape, TraceShape } from "./shape";

/** A span in its tree. Times are nanoseconds since the trace's start; children and parent are places in `nodes`. */
export type SpanNode = Omit<SpanShape, "service" | "parent"> & {
  index: number;
  parent: number;
  children: number[];
  /** The place behind the last span below this one. */
  last: number;
  depth: number;
  /** Where it is drawn to; a span without an end until the last thing known of the trace. */
  end: number;
  /** Nothing for a span without an end: what is not known is not counted. */
  duration: number;
  self: number;
  /** How much of it is on the critical path. */
  critical: number;
  /** The parts of its time that are on the critical path, the last one first. */
  criticalParts: [start: number, end: number][];
  service: string;
  error: boolean;
  unfinished: boolean;
  /** It names a parent that is not there. */
  missingParent: boolean;
  /** It named one of its own descendants as its parent. */
  cycleBroken: boolean;
  /** It begins before its parent does, or ends before it begins: clocks differ. */
  skewed: boolean;
  errorsBelow: number;
  logs: number[];
};

export type Service = { name: string; colour: string; spans: number; errors: number };

export type TraceModel = {
  id: string;
  /** The earliest time, in nanoseconds since 1970. */
  origin: bigint;
  duration: number;
  nodes: SpanNode[];
  roots: number[];
  /** The span that stands for the trace. */
  main: number;
  byId: Map<string, number>;
  services: Service[];
  colours: Map<string, string>;
  logs: (LogShape & { node: number })[];
  /** Attributes and texts of log records are here, not the outline alone. */
  whole: boolean;
  counts: { errors: number; missingParents: number; skewed: number; unfinished: number; twice: number; cycles: number };
  damagedParts: number;
};

/** The colour of a name, the same in every trace; unless another service of this trace has it, then the next one. */
function serviceColours(names: string[]): Map<string, string> {
  const colours = new Map<string, string>();
  const taken = new Set<number>();
  for (const name of names.toSorted()) {
    let hash = 2166136261;
    for (let place = 0; place < name.length; place++) hash = Math.imul(hash ^ name.charCodeAt(place), 16777619);
    let colour = (hash >>> 0) % 8;
    while (taken.has(colour) && taken.size < 8) colour = (colour + 1) % 8;
    taken.add(colour);
    colours.set(name, `var(--series-${colour + 1})`);
  }
  return colours;
}

export function buildTrace(trace: TraceShape): TraceModel {
  const { spans, placeOf, twice } = singleSpans(trace.spans);
  let end = 0;
  for (const span of spans) end = Math.max(end, span.start + Math.max(0, span.given ?? 0));
  const { first, next, roots, missing, broken } = childLists(spans, placeOf);

  const nodes: SpanNode[] = [];
  const byId = new Map<string, number>();
  const indexOf = new Int32Array(spans.length);
  const visit = (place: number, parent: number) => {
    const span = spans[place] as SpanShape;
    const { start } = span;
    const above = nodes[parent];
    const unfinished = span.given === null;
    const duration = Math.max(0, span.given ?? 0);
    const index = nodes.length;
    if (above) above.children = added(above.children, index);
    nodes.push({
      index,
      id: span.id,
      name: span.name,
      kind: span.kind,
      status: span.status,
      start,
      given: span.given,
      links: span.links,
      events: span.events,
      span: span.span,
      parent,
      children: none,
      last: index + 1,
      depth: above ? above.depth + 1 : 0,
      end: unfinished ? Math.max(start, end) : start + duration,
      duration,
      self: duration,
      critical: 0,
      criticalParts: none,
      service: span.service ?? "unnamed service",
      error: span.status === "error",
      unfinished,
      missingParent: missing.has(place),
      cycleBroken: broken.has(place),
      skewed: (above !== undefined && start < above.start) || (span.given ?? 0) < 0,
      errorsBelow: 0,
      logs: none,
    });
    indexOf[place] = index;
    if (!byId.has(span.id)) byId.set(span.id, index);
  };
  walk(roots, first, next, (place, above) => visit(place, above < 0 ? -1 : (indexOf[above] ?? -1)));
  sumUp(nodes);
  const rootNodes = nodes.filter((node) => node.parent < 0);
  const main = mainRoot(rootNodes);
  if (rootNodes.length) markCriticalPath(nodes, main);

  const logs = trace.logs
    .map((log) => ({ ...log, node: indexOf[placeOf[log.span] ?? -1] ?? -1 }))
    .sort((left, right) => left.at - right.at);
  logs.forEach((log, place) => {
    const node = nodes[log.node];
    if (node) node.logs = added(node.logs, place);
  });
  const services = servicesOf(nodes);
  return {
    id: trace.id,
    origin: trace.origin,
    duration: Math.max(end, 1),
    nodes,
    roots: rootNodes.map((node) => node.index),
    main,
    byId,
    services,
    colours: new Map(services.map((service) => [service.name, service.colour])),
    logs,
    whole: trace.whole,
    counts: {
      errors: count(nodes, (node) => node.error),
      missingParents: missing.size,
      skewed: count(nodes, (node) => node.skewed),
      unfinished: count(nodes, (node) => node.unfinished),
      twice,
      cycles: broken.size,
    },
    damagedParts: trace.damagedParts,
  };
}

/** Every span behind its parent and before the next of its siblings. */
function walk(
  roots: number[],
  first: Int32Array,
  next: Int32Array,
  visit: (place: number, above: number) => void,
): void {
  const above: number[] = [];
  for (const root of roots) {
    let place = root;
    while (true) {
      visit(place, above.at(-1) ?? -1);
      const child = first[place] ?? -1;
      if (child >= 0) {
        above.push(place);
        place = child;
        continue;
      }
      while (above.length && (next[place] ?? -1) < 0) place = above.pop() as number;
      if (!above.length) break;
      place = next[place] as number;
    }
  }
}

function count(nodes: SpanNode[], test: (node: SpanNode) => boolean): number {
  let sum = 0;
  for (const node of nodes) if (test(node)) sum++;
  return sum;
}

/** The earliest span without a parent; of a trace without one, the longest of those whose parent is missing. */
function mainRoot(roots: SpanNode[]): number {
  const whole = roots.find((node) => !node.missingParent && !node.cycleBroken);
  if (whole) return whole.index;
  let best = roots[0];
  for (const node of roots) if (best && node.duration > best.duration) best = node;
  return best?.index ?? 0;
}

/** From the last to the first, so that what is below is known: subtree ends, errors below, and self times. */
function sumUp(nodes: SpanNode[]): void {
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index] as SpanNode;
    const above = nodes[node.parent];
    if (above) {
      above.last = Math.max(above.last, node.last);
      above.errorsBelow += node.errorsBelow + (node.error ? 1 : 0);
    }
    let covered = 0;
    let until = node.start;
    for (const child of node.children) {
      const { start, end, unfinished } = nodes[child] as SpanNode;
      if (unfinished) continue;
      const from = Math.max(start, until);
      const to = Math.min(end, node.end);
      if (to > from) covered += to - from;
      until = Math.max(until, to);
    }
    node.self = Math.max(0, node.duration - covered);
  }
}

function servicesOf(nodes: SpanNode[]): Service[] {
  const found = new Map<string, Service & { first: number }>();
  for (const node of nodes) {
    let service = found.get(node.service);
    if (!service) {
      service = { name: node.service, colour: "", spans: 0, errors: 0, first: node.start };
      found.set(node.service, service);
    }
    service.spans++;
    if (node.error) service.errors++;
    service.first = Math.min(service.first, node.start);
  }
  const colours = serviceColours([...found.keys()]);
  for (const service of found.values()) service.colour = colours.get(service.name) ?? "";
  return [...found.values()].sort((left, right) => left.first - right.first);
}
