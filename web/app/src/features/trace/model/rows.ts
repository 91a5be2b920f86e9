// The rows of the waterfall: what is open, what is folded, and many alike as one.
import type { SpanNode, TraceModel } from "./build";

export type SpanRow = { kind: "span"; node: number; depth: number; parentRow: number };
/** Siblings with the same service, name and kind, as one row. */
export type GroupRow = {
  kind: "group";
  key: string;
  members: number[];
  depth: number;
  parentRow: number;
  start: number;
  end: number;
  errors: number;
};
export type Row = SpanRow | GroupRow;

export type Folding = { closed: ReadonlySet<number>; openGroups: ReadonlySet<string>; errorsOnly: boolean };

const alikeMin = 6;

/** What siblings must share to be called similar. */
function likeness(node: SpanNode): string {
  return `${node.parent} ${node.service} ${node.kind} ${node.name}`;
}

type Entry = { node: number; members: number[] | null; depth: number; parentRow: number };

export function rowsOf(trace: TraceModel, folding: Folding): Row[] {
  const { nodes } = trace;
  const rows: Row[] = [];
  const stack: Entry[] = [];
  const push = (siblings: number[], depth: number, parentRow: number, grouped: boolean) => {
    const entries = grouped ? entriesOf(nodes, siblings, depth, parentRow) : null;
    if (entries) for (let at = entries.length - 1; at >= 0; at--) stack.push(entries[at] as Entry);
    else
      for (let at = siblings.length - 1; at >= 0; at--)
        stack.push({ node: siblings[at] as number, members: null, depth, parentRow });
  };
  push(trace.roots, 0, -1, true);
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const node = nodes[entry.node] as SpanNode;
    const place = rows.length;
    if (entry.members) {
      const members = folding.errorsOnly ? entry.members.filter((one) => hasError(nodes[one])) : entry.members;
      if (!members.length) continue;
      const row = groupOf(nodes, members, likeness(node), entry.depth, entry.parentRow);
      rows.push(row);
      if (folding.openGroups.has(row.key)) push(members, entry.depth + 1, place, false);
      continue;
    }
    if (folding.errorsOnly && !hasError(node)) continue;
    rows.push({
      kind: "span",
      node: node.index,
      depth: entry.depth,
      parentRow: entry.parentRow,
    });
    if (node.children.length && !folding.closed.has(node.index)) push(node.children, entry.depth + 1, place, true);
  }
  return rows;
}

/** What a row is called, whatever row it is in. */
export function keyOf(row: Row): string {
  return row.kind === "span" ? `s${row.node}` : row.key;
}

/** Finds a row by its key. */
export function rowFinder(trace: TraceModel, rows: Row[]): (key: string) => number | undefined {
  const spans = new Int32Array(trace.nodes.length).fill(-1);
  const groups = new Map<string, number>();
  rows.forEach((row, place) => {
    if (row.kind === "span") spans[row.node] = place;
    else groups.set(row.key, place);
  });
  return (key) => {
    if (!key.startsWith("s")) return groups.get(key);
    const place = spans[Number(key.slice(1))] ?? -1;
    return place < 0 ? undefined : place;
  };
}

function hasError(node: SpanNode | undefined): boolean {
  return node !== undefined && (node.error || node.errorsBelow > 0);
}

/** The siblings with those alike put together, in the place of the first; nothing if there are none. */
function entriesOf(nodes: SpanNode[], siblings: number[], depth: number, parentRow: number): Entry[] | null {
  if (siblings.length < alikeMin) return null;
  const alike = new Map<string, number[]>();
  // In order; what is alike has one list between them.
  const lists = siblings.map((one) => {
    const key = likeness(nodes[one] as SpanNode);
    const known = alike.get(key);
    if (known) {
      known.push(one);
      return known;
    }
    const members = [one];
    alike.set(key, members);
    return members;
  });
  if (alike.size === siblings.length) return null;
  const entries: Entry[] = [];
  siblings.forEach((one, place) => {
    const members = lists[place] as number[];
    if (members.length < alikeMin) entries.push({ node: one, members: null, depth, parentRow });
    else if (members[0] === one) entries.push({ node: one, members, depth, parentRow });
  });
  return entries;
}

function groupOf(nodes: SpanNode[], members: number[], key: string, depth: number, parentRow: number): GroupRow {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  let errors = 0;
  for (const one of members) {
    const node = nodes[one] as SpanNode;
    start = Math.min(start, node.start);
    end = Math.max(end, node.end);
    errors += node.errorsBelow + (node.error ? 1 : 0);
  }
  return { kind: "group", key, members, depth, parentRow, start, end, errors };
}

/** What must be open for a span to be seen. */
export function reveal(trace: TraceModel, node: number, folding: Folding): Folding {
  const closed = new Set(folding.closed);
  const openGroups = new Set(folding.openGroups);
  for (let at = trace.nodes[node]; at; at = trace.nodes[at.parent]) {
    openGroups.add(likeness(at));
    if (at.index !== node) closed.delete(at.index);
  }
  const errorsOnly = folding.errorsOnly && hasError(trace.nodes[node]);
  return { closed, openGroups, errorsOnly };
}

/** Folds the deepest level that is open, or opens the highest that is folded. */
export function foldOneLevel(trace: TraceModel, closed: ReadonlySet<number>, open: boolean): Set<number> {
  const next = new Set(closed);
  const chosen: number[] = [];
  let level = open ? Number.POSITIVE_INFINITY : -1;
  for (let at = 0; at < trace.nodes.length; at++) {
    const node = trace.nodes[at] as SpanNode;
    if (!node.children.length) continue;
    const isClosed = closed.has(at);
    if (isClosed === open) {
      if (open ? node.depth < level : node.depth > level) {
        level = node.depth;
        chosen.length = 0;
      }
      if (node.depth === level) chosen.push(at);
    }
    if (isClosed) at = node.last - 1;
  }
  for (const one of chosen) {
    if (open) next.delete(one);
    else next.add(one);
  }
  return next;
}

/** Every span that has others below it. */
export function foldAll(trace: TraceModel): Set<number> {
  return new Set(trace.nodes.filter((node) => node.children.length).map((node) => node.index));
}
