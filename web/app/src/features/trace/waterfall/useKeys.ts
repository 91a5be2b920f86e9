// The waterfall's keys, those that people know from Jaeger. Not while something is typed.
import { type RefObject, useEffect, useRef } from "react";
import type { TraceModel } from "../model/build";
import { isOpen, type Waterfall } from "./useWaterfall";
import { pan, zoom } from "./window";

type Actions = { open: (index: number) => void; close: () => void; search: RefObject<HTMLInputElement | null> };

export const keyList: [string, string][] = [
  ["↑ ↓", "row before, after"],
  ["← →", "fold, open"],
  ["Enter", "show the span"],
  ["Esc", "close it"],
  ["[ ]", "open all, fold all"],
  ["o p", "open, fold one level"],
  ["/ or Ctrl+B", "search"],
  ["f b", "next, previous found"],
  ["a d", "earlier, later"],
  ["+ − 0", "closer, farther, the whole"],
  ["z", "only the time of the row"],
];

export function useKeys(trace: TraceModel, view: Waterfall, actions: Actions): void {
  const latest = useRef({ trace, view, actions });
  useEffect(() => {
    latest.current = { trace, view, actions };
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { trace, view, actions } = latest.current;
      if (event.ctrlKey || event.metaKey || event.altKey) {
        if (event.key.toLowerCase() !== "b" || event.altKey) return;
        take(event);
        actions.search.current?.focus();
        return;
      }
      const target = event.target instanceof Element ? event.target : document.body;
      if (target.closest("input, textarea, select, [contenteditable], [role=menu], [role=dialog]")) return;
      // Buttons and tabs keep the keys that work them, and the panel of the span those that scroll it.
      const busy = target.closest("button, a, summary, aside, [role=tab], [role=separator]") !== null;
      if (busy && /^(Enter| |Arrow|Home|End|Page)/.test(event.key)) return;
      if (run(event.key, trace, view, actions)) take(event);
    };
    window.addEventListener("keydown", press, true);
    return () => window.removeEventListener("keydown", press, true);
  }, []);
}

function take(event: KeyboardEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

/** Whether the key is one of the waterfall's. */
function run(key: string, trace: TraceModel, view: Waterfall, actions: Actions): boolean {
  const row = view.rows[view.focus];
  const open = row ? isOpen(row, trace, view.folding) : undefined;
  const { duration } = trace;
  switch (key) {
    case "ArrowDown":
      view.moveTo(view.focus + 1);
      return true;
    case "ArrowUp":
      view.moveTo(view.focus - 1);
      return true;
    case "PageDown":
      view.moveTo(view.focus + 20);
      return true;
    case "PageUp":
      view.moveTo(view.focus - 20);
      return true;
    case "Home":
      view.moveTo(0);
      return true;
    case "End":
      view.moveTo(view.rows.length - 1);
      return true;
    case "ArrowRight":
      if (row && open === false) view.toggle(row, true);
      else if (open) view.moveTo(view.focus + 1);
      return true;
    case "ArrowLeft":
      if (row && open) view.toggle(row, false);
      else if (row && row.parentRow >= 0) view.moveTo(row.parentRow);
      return true;
    case "Enter":
      actions.open(view.focus);
      return true;
    case "Escape":
      actions.close();
      return true;
    case "[":
      view.openAll();
      return true;
    case "]":
      view.foldAll();
      return true;
    case "o":
      view.openOne();
      return true;
    case "p":
      view.foldOne();
      return true;
    case "f":
      view.step(1);
      return true;
    case "b":
      view.step(-1);
      return true;
    case "a":
      view.setShown(pan(view.window, -0.2, duration));
      return true;
    case "d":
      view.setShown(pan(view.window, 0.2, duration));
      return true;
    case "+":
    case "=":
      view.setShown(zoom(view.window, 0.5, duration));
      return true;
    case "-":
      view.setShown(zoom(view.window, 2, duration));
      return true;
    case "0":
      view.setShown(null);
      return true;
    case "z":
      view.zoomTo(view.focus);
      return true;
    case "/":
      actions.search.current?.focus();
      return true;
    default:
      return false;
  }
}
