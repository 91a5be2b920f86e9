// Who is below whom: spans that were stored twice, parents that are missing, and rings of parents cut open.
import { missingParent, type SpanShape } from "./shape";

type Single = {
  spans: SpanShape[];
  /** Where each of those given is now. */
  placeOf: Int32Array;
  twice: number;
};

/** The spans without those stored twice; of two, the one that has an end stays. */
export function singleSpans(all: SpanShape[]): Single {
  const first = new Map<string, number>();
  // Made only where ids meet: client and server may share one (Zipkin), and are then two spans, not one stored twice.
  const places = new Map<string, number>();
  const spans: SpanShape[] = [];
  const placeOf = new Int32Array(all.length);
  all.forEach((span, given) => {
    const met = first.get(span.id);
    if (met === undefined) first.set(span.id, spans.length);
    else {
      const other = spans[met] as SpanShape;
      const key = sameness(span);
      const place = sameness(other) === key ? met : places.get(key);
      if (place !== undefined) {
        placeOf[given] = place;
        if (spans[place]?.given === null) spans[place] = span;
        return;
      }
      places.set(key, spans.length);
    }
    placeOf[given] = spans.length;
    spans.push(span);
  });
  return { spans, placeOf, twice: all.length - spans.length };
}

function sameness(span: SpanShape): string {
  return `${span.id} ${span.kind} ${span.service ?? ""} ${span.start} ${span.name}`;
}

type Lists = {
  /** The first child of each span, and the one behind each among its siblings; -1 for none. */
  first: Int32Array;
  next: Int32Array;
  roots: number[];
  missing: Set<number>;
  broken: Set<number>;
};

/** Children and roots by time, as places in `spans`. Lists of numbers: an array for each of many spans costs most of the time. */
export function childLists(spans: SpanShape[], placeOf: Int32Array): Lists {
  const missing = new Set<number>();
  const broken = new Set<number>();
  const parents = spans.map((span, place) => {
    if (span.parent === missingParent) missing.add(place);
    return placeOf[span.parent] ?? -1;
  });
  cutRings(parents, broken);

  const start = (place: number) => spans[place]?.start ?? 0;
  const order = spans.map((_, place) => place);
  order.sort((left, right) => start(left) - start(right) || left - right);
  const first = new Int32Array(spans.length).fill(-1);
  const next = new Int32Array(spans.length).fill(-1);
  const roots: number[] = [];
  for (let at = order.length - 1; at >= 0; at--) {
    const place = order[at] as number;
    const parent = parents[place] ?? -1;
    if (parent < 0) roots.push(place);
    else {
      next[place] = first[parent] ?? -1;
      first[parent] = place;
    }
  }
  return { first, next, roots: roots.reverse(), missing, broken };
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
