// The critical path: what the end of the trace waited for, walked backwards from the end of its root.
import type { SpanNode } from "./build";
import { added } from "./lists";

type Frame = { node: SpanNode; until: number; order: number[]; next: number; windowEnd: number };

/** Writes into each span how much of its own time is on the critical path. */
export function markCriticalPath(nodes: SpanNode[], root: number): void {
  const first = nodes[root];
  if (!first) return;
  const frames: Frame[] = [frame(nodes, first, first.end)];
  for (let top = frames.at(-1); top; top = frames.at(-1)) {
    const child = nodes[top.order[top.next] ?? -1];
    if (!child) {
      put(top.node, top.node.start, top.until);
      frames.pop();
      continue;
    }
    top.next++;
    // A child that goes on after the end did not hold it up longer than until then.
    const end = Math.min(child.end, top.windowEnd);
    if (child.unfinished || end > top.until || child.start >= top.until || end <= top.node.start) continue;
    put(top.node, end, top.until);
    top.until = Math.max(child.start, top.node.start);
    frames.push(frame(nodes, child, end));
  }
}

function put(node: SpanNode, start: number, end: number): void {
  if (end <= start) return;
  node.critical += end - start;
  node.criticalParts = added<[number, number]>(node.criticalParts, [start, end]);
}

/** A span's children, the last to end first. */
function frame(nodes: SpanNode[], node: SpanNode, until: number): Frame {
  if (node.children.length < 2) return { node, until, order: node.children, next: 0, windowEnd: until };
  const end = (child: number) => Math.min(nodes[child]?.end ?? 0, until);
  const order = [...node.children].sort((left, right) => end(right) - end(left));
  return { node, until, order, next: 0, windowEnd: until };
}
