// What is folded and where the focus is, taken over when the same trace is known anew: with its attributes, or with spans
// that have come since.
import type { TraceModel } from "./build";
import type { Folding } from "./rows";

/** A place of the trace before in the trace as it is now; -1 if the span is gone. */
export type Carry = (index: number) => number;

/** How places of one trace become those of another; nothing if they are the same. */
export function carrying(before: TraceModel, now: TraceModel): Carry | null {
  const isSame =
    before.nodes.length === now.nodes.length && before.nodes.every((node, index) => node.id === now.nodes[index]?.id);
  if (isSame) return null;
  return (index) => now.byId.get(before.nodes[index]?.id ?? "") ?? -1;
}

export function carryFolding(folding: Folding, carry: Carry): Folding {
  const closed = new Set<number>();
  for (const index of folding.closed) {
    const place = carry(index);
    if (place >= 0) closed.add(place);
  }
  const openGroups = new Set<string>();
  for (const key of folding.openGroups) openGroups.add(carryGroup(key, carry));
  return { ...folding, closed, openGroups };
}

/** The key of a group begins with the place of its parent. */
function carryGroup(key: string, carry: Carry): string {
  const end = key.indexOf(" ");
  const parent = Number(key.slice(0, end));
  return `${parent < 0 ? parent : carry(parent)}${key.slice(end)}`;
}

/** The key of a row: of a span or of a group. */
export function carryRow(key: string, carry: Carry): string {
  return key.startsWith("s") ? `s${carry(Number(key.slice(1)))}` : carryGroup(key, carry);
}
