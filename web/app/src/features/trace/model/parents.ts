// Who is below whom: spans that were stored twice, parents that are missing, and rings of parents cut open.
import type { Span } from "../../../api/types";

/** The spans without those stored twice; of two, the one that has an end stays. */
export function singleSpans(all: Span[]): { spans: Span[]; twice: number } {
  const first = new Map<string, number>();
  // Made only where ids meet: client and server may share one (Zipkin), and are then two spans, not one stored twice.
  const places = new Map<string, number>();
  const spans: Span[] = [];
  for (const span of all) {
    const met = first.get(span.span_id);
    if (met === undefined) {
      first.set(span.span_id, spans.length);
      spans.push(span);
      continue;
    }
    const other = spans[met] as Span;
    const key = sameness(span);
    const place = sameness(other) === key ? met : places.get(key);
    if (place === undefined) {
      places.set(key, spans.length);
      spans.push(span);
    } else if ((spans[place]?.duration_ns ?? null) === null) spans[place] = span;
  }
  return { spans, twice: all.length - spans.length };
}

function sameness(span: Span): string {
  return `${span.span_id} ${span.kind} ${span["service.name"] ?? ""} ${span.time} ${span.name}`;
}

type Lists = { children: number[][]; roots: number[]; missing: Set<number>; broken: Set<number> };

/** Children and roots by time, as places in `spans`. */
export function childLists(spans: Span[], starts: number[]): Lists {
  const places = new Map<string, number>();
  spans.forEach((span, place) => {
    if (!places.has(span.span_id)) places.set(span.span_id, place);
  });
  const missing = new Set<number>();
  const broken = new Set<number>();
  const parents = spans.map((span, place) => {
    if (!span.parent_span_id) return -1;
    const parent = places.get(span.parent_span_id);
    if (parent === undefined) missing.add(place);
    return parent ?? -1;
  });
  cutRings(parents, broken);

  const order = spans.map((_, place) => place);
  order.sort((left, right) => (starts[left] ?? 0) - (starts[right] ?? 0) || left - right);
  const children: number[][] = spans.map(() => []);
  const roots: number[] = [];
  for (const place of order) {
    const parent = parents[place] ?? -1;
    if (parent < 0) roots.push(place);
    else children[parent]?.push(place);
  }
  return { children, roots, missing, broken };
}

/** Walks up from every span; each walk ends where an earlier one has been, so all together are linear. */
function cutRings(parents: number[], broken: Set<number>): void {
  const seenBy = new Int32Array(parents.length).fill(-1);
  for (let from = 0; from < parents.length; from++) {
    let at = from;
    while (at >= 0 && seenBy[at] === -1) {
      seenBy[at] = from;
      const next = parents[at] ?? -1;
      if (next >= 0 && seenBy[next] === from) {
        // Where the ring was entered it is cut: that span becomes a root.
        parents[next] = -1;
        broken.add(next);
        break;
      }
      at = next;
    }
  }
}
