// All keyboard shortcuts of the window, in one list: it makes them work, and the help and the palette show it.
import { useEffect, useRef } from "react";

export type Shortcut = { id: string; keys: string; does: string; where: string };

/** Keys: one key as `event.key` has it, or two after each other with a space between. */
export const shortcuts = [
  { id: "help", keys: "?", does: "Show the shortcuts", where: "Everywhere" },
  { id: "palette", keys: "mod+k", does: "Go to a page, a trace or a field", where: "Everywhere" },
  { id: "filter", keys: "/", does: "Add a filter", where: "Everywhere" },
  { id: "time", keys: "t", does: "Choose the time", where: "Everywhere" },
  { id: "zoom-out", keys: "z", does: "Twice as long", where: "Everywhere" },
  { id: "utc", keys: "u", does: "Times in UTC or as on this computer", where: "Everywhere" },
  { id: "share", keys: "l", does: "Copy a link with fixed times", where: "Everywhere" },
  { id: "save", keys: "s", does: "Save this view", where: "Everywhere" },
  { id: "note", keys: "n", does: "Pin a note to a time", where: "Everywhere" },
  { id: "go-home", keys: "g n", does: "Go to what is odd now", where: "Pages" },
  { id: "go-explore", keys: "g e", does: "Go to explore", where: "Pages" },
  { id: "go-compare", keys: "g c", does: "Go to compare", where: "Pages" },
  { id: "go-map", keys: "g m", does: "Go to the map", where: "Pages" },
  { id: "go-entity", keys: "g w", does: "Go to who", where: "Pages" },
  { id: "go-live", keys: "g l", does: "Go to live", where: "Pages" },
  { id: "go-sql", keys: "g s", does: "Go to SQL", where: "Pages" },
  { id: "go-health", keys: "g h", does: "Go to health", where: "Pages" },
  { id: "go-saved", keys: "g q", does: "Go to saved questions", where: "Pages" },
  { id: "run", keys: "mod+Enter", does: "Run the statement", where: "SQL" },
  { id: "pause", keys: ".", does: "Live, or pause", where: "Everywhere" },
] as const satisfies readonly Shortcut[];

export type ShortcutId = (typeof shortcuts)[number]["id"];

const handlers = new Map<string, () => void>();

/** Does `action` on the shortcut while the component is there. The one mounted last goes first. */
export function useShortcut(id: ShortcutId, action: () => void): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    const run = () => latest.current();
    const before = handlers.get(id);
    handlers.set(id, run);
    return () => {
      if (handlers.get(id) !== run) return;
      if (before) handlers.set(id, before);
      else handlers.delete(id);
    };
  }, [id]);
}

let pending = "";
let pendingTimer = 0;

/** Whether someone is writing: then a key is a letter. */
function writes(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Listens to the keys; returns what stops it. */
export function listenForShortcuts(): () => void {
  function press(event: KeyboardEvent) {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const mod = event.metaKey || event.ctrlKey;
    // An open dialogue or menu has the keys for itself.
    const busy = writes(event.target) || document.querySelector("[role=dialog],[role=menu]") !== null;
    if (busy && !mod) return;
    const key = mod ? `mod+${event.key}` : event.key;
    const found =
      shortcuts.find((one) => one.keys === `${pending} ${key}` && handlers.has(one.id)) ??
      shortcuts.find((one) => one.keys === key && handlers.has(one.id));
    const starts = !mod && shortcuts.some((one) => one.keys.startsWith(`${key} `));
    pending = found || !starts ? "" : key;
    window.clearTimeout(pendingTimer);
    if (pending) {
      pendingTimer = window.setTimeout(() => {
        pending = "";
      }, 1200);
    }
    if (!found) return;
    event.preventDefault();
    handlers.get(found.id)?.();
  }
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}

/** The keys as they are on this computer's keyboard. */
export function keyNames(keys: string): string[] {
  const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  return keys
    .replace("mod+", mac ? "⌘ " : "Ctrl ")
    .split(" ")
    .map((key) => (key.length === 1 && keys.startsWith("mod") ? key.toUpperCase() : key));
}

/** Does what the keys would do. */
export function runShortcut(id: ShortcutId): void {
  handlers.get(id)?.();
}
