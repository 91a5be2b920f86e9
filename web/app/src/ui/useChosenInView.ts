// A row of links or tabs that does not fit, as on a phone, scrolls to the one that is chosen.
import { type RefObject, useEffect, useRef } from "react";

/** The row's ref; `chosen` is whatever names the one that is chosen. */
export function useChosenInView<Row extends HTMLElement>(chosen: string): RefObject<Row | null> {
  const row = useRef<Row>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice marks another one in the row
  useEffect(() => {
    const element = row.current;
    const here = element?.querySelector<HTMLElement>("[aria-current='page'], [aria-selected='true']");
    if (!element || !here) return;
    // At once, and with each width: styles may come after the row.
    const observer = new ResizeObserver(() => {
      const [outer, inner] = [element.getBoundingClientRect(), here.getBoundingClientRect()];
      element.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [chosen]);
  return row;
}
