// Sums over the spans of a trace, and two traces side by side.
import type { TraceModel } from "./build";
import { fieldOf } from "./find";

export type Group = {
  key: string;
  /** The first span of the group. */
  example: number;
  count: number;
  total: number;
  self: number;
  /** Of the self times of all spans: they add up to one. */
  share: number;
  errors: number;
  max: number;
};

/** The spans by the values of some fields; those without one are under “none”. */
export function groupSpans(trace: TraceModel, fields: string[]): Group[] {
  const groups = new Map<string, Group>();
  let all = 0;
  for (const node of trace.nodes) {
    const key = fields.map((field) => fieldOf(node, field) ?? "none").join(" · ");
    let group = groups.get(key);
    if (!group) {
      group = { key, example: node.index, count: 0, total: 0, self: 0, share: 0, errors: 0, max: 0 };
      groups.set(key, group);
    }
    group.count++;
    group.total += node.duration;
    group.self += node.self;
    group.max = Math.max(group.max, node.duration);
    if (node.error) group.errors++;
    all += node.self;
  }
  const found = [...groups.values()];
  for (const group of found) group.share = all ? group.self / all : 0;
  return found.sort((left, right) => right.self - left.self);
}

export type Difference = { key: string; here: Group | null; there: Group | null; self: number; count: number };

/** The operations of two traces, those first whose self times differ most. */
export function compareTraces(here: TraceModel, there: TraceModel): Difference[] {
  const fields = ["service.name", "name", "kind"];
  const ours = new Map(groupSpans(here, fields).map((group) => [group.key, group]));
  const theirs = new Map(groupSpans(there, fields).map((group) => [group.key, group]));
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .map((key) => {
      const [left, right] = [ours.get(key) ?? null, theirs.get(key) ?? null];
      const self = (right?.self ?? 0) - (left?.self ?? 0);
      return { key, here: left, there: right, self, count: (right?.count ?? 0) - (left?.count ?? 0) };
    })
    .sort((left, right) => Math.abs(right.self) - Math.abs(left.self));
}
