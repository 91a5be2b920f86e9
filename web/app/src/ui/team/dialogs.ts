// Which dialogue of what a team keeps together is open: any part of the page may open one.
import { useSyncExternalStore } from "react";
import type { Note, SavedQuestion } from "../../api/types";

/** A note to be pinned, in nanoseconds since 1970, or one to be changed. */
export type NoteDraft = { start?: string; end?: string | undefined; note?: Note };
export type Dialog = { kind: "save"; question?: SavedQuestion } | ({ kind: "note" } & NoteDraft);

let open: Dialog | undefined;
const listeners = new Set<() => void>();

/** What had the focus, and gets it back; the page itself where that is gone, as the entry of a menu is. */
let opener: Element | null = null;

function show(next: Dialog | undefined): void {
  if (next && !open) opener = document.activeElement;
  open = next;
  for (const listener of listeners) listener();
}

/** Asks for a name for this view; or, given a question, for its new one. */
export function openSave(question?: SavedQuestion): void {
  show(question ? { kind: "save", question } : { kind: "save" });
}

export function openNote(draft: NoteDraft = {}): void {
  show({ kind: "note", ...draft });
}

export function closeDialog(): void {
  show(undefined);
  requestAnimationFrame(() => {
    const back = opener?.isConnected && opener !== document.body ? opener : document.getElementById("content");
    if (back instanceof HTMLElement) back.focus({ preventScroll: true });
  });
}

export function useDialog(): Dialog | undefined {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => open,
  );
}
