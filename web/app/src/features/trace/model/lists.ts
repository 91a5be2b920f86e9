// Lists that are empty in most spans: they share one, since an own one for each of 50,000 is most of what a trace costs.

export const none: never[] = [];
Object.freeze(none);

/** The list with one more; the shared one stays as it is. */
export function added<Item>(list: Item[], item: Item): Item[] {
  if (list === none) return [item];
  list.push(item);
  return list;
}
