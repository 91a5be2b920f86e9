// Which line of the flame graph each span is in: below its parent, and beside nothing that it overlaps.
import type { SpanNode, TraceModel } from "./build";

export type FlameLayout = { lineOf: Int32Array; lines: number[][] };

/** Further down than this no free line is looked for: what overlaps there is drawn over one another. */
const linesTried = 32;

export function layOutFlame(trace: TraceModel): FlameLayout {
  const lineOf = new Int32Array(trace.nodes.length);
  const ends: number[] = [];
  const lines: number[][] = [];
  for (const node of trace.nodes) {
    const first = node.parent < 0 ? 0 : (lineOf[node.parent] ?? 0) + 1;
    let line = first;
    while (line < first + linesTried && (ends[line] ?? Number.NEGATIVE_INFINITY) > node.start) line++;
    if (line === first + linesTried) line = first;
    ends[line] = Math.max(ends[line] ?? 0, node.end);
    lineOf[node.index] = line;
    while (lines.length <= line) lines.push([]);
    lines[line]?.push(node.index);
  }
  const start = (index: number) => (trace.nodes[index] as SpanNode).start;
  for (const line of lines) line.sort((left, right) => start(left) - start(right));
  return { lineOf, lines };
}

/** The span of a line that is at a time, or the nearest within `reach`. */
export function spanAt(trace: TraceModel, line: number[], at: number, reach: number): number {
  let best = -1;
  let nearest = reach;
  for (const index of line) {
    const { start, end } = trace.nodes[index] as SpanNode;
    if (start > at + reach) break;
    const distance = at < start ? start - at : at > end ? at - end : 0;
    if (distance <= nearest) {
      best = index;
      nearest = distance;
    }
  }
  return best;
}
