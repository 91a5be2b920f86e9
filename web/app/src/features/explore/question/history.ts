// The questions of the explore page that were asked, kept in this browser.
import type { Address } from "./question";

export type Asked = { search: Address; at: number };

const askedKey = "crawlspace.explore.asked";
const askedMax = 50;

function read<T>(key: string): T[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(value) ? (value as T[]) : [];
  } catch {
    return [];
  }
}

function write(key: string, all: unknown[]): void {
  try {
    localStorage.setItem(key, JSON.stringify(all));
  } catch {
    // Without room in the browser's storage, the page works as before and remembers nothing.
  }
}

/** What makes two addresses the same question: not how it is looked at. */
function sameQuestion(search: Address): string {
  const { view: _view, box: _box, columns: _columns, sort: _sort, live: _live, ...question } = search;
  return JSON.stringify(question);
}

export function readAsked(): Asked[] {
  return read<Asked>(askedKey);
}

/** Puts a question first in the list; one that is there already moves up. */
export function remember(search: Address, at: number): void {
  const same = sameQuestion(search);
  const others = readAsked().filter((one) => sameQuestion(one.search) !== same);
  write(askedKey, [{ search, at }, ...others].slice(0, askedMax));
}
