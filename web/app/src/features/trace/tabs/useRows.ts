// One stop for the Tab key in a long table: the arrow keys move between its rows, so that what comes behind the table can
// be reached.
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";

const page = 20;

function moved(key: string, from: number, count: number): number | null {
  const to: Record<string, number> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1,
  };
  const wanted = to[key];
  return wanted === undefined ? null : Math.min(Math.max(0, wanted), count - 1);
}

type Rows = {
  /** For what is focused in a row. */
  stop: (row: number) => { "data-row": number; tabIndex: 0 | -1; onFocus: () => void };
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
};

/** `show` brings a row into view that may not be on the page yet. */
export function useRows(scroller: RefObject<HTMLElement | null>, count: number, show?: (row: number) => void): Rows {
  const [active, setActive] = useState(0);
  const wanted = useRef<number | null>(null);
  useEffect(() => {
    const stop = scroller.current?.querySelector<HTMLElement>(`[data-row="${wanted.current}"]`);
    if (!stop) return;
    wanted.current = null;
    stop.focus();
  });
  return {
    stop: (row) => ({
      "data-row": row,
      tabIndex: row === Math.min(active, count - 1) ? 0 : -1,
      onFocus: () => setActive(row),
    }),
    onKeyDown: (event) => {
      const inRow = event.target instanceof Element && event.target.closest("[data-row]") !== null;
      // From the table itself an arrow leads to the row where one was.
      const next = moved(event.key, active, count);
      if (next === null || !(inRow || event.target === scroller.current)) return;
      event.preventDefault();
      const to = inRow ? next : Math.min(active, count - 1);
      wanted.current = to;
      show?.(to);
      setActive(to);
      scroller.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus();
    },
  };
}
