// A row of links or tabs that does not fit, as on a phone, scrolls to the one that is chosen.
import { type RefObject, useEffect, useRef } from "react";

/** The row's ref; `chosen` is whatever names the one that is chosen. */
export function useChosenInView<Row extends HTMLElement>(chosen: string): RefObject<Row | null> {
  const row = useRef<Row>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice marks another one in the row
  useEffect(() => {
    const here = row.current?.querySelector<HTMLElement>("[aria-current='page'], [aria-selected='true']");
    if (!row.current || !here) return;
    const [outer, inner] = [row.current.getBoundingClientRect(), here.getBoundingClientRect()];
    row.current.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  }, [chosen]);
  return row;
}
