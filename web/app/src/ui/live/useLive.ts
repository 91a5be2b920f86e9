// Live: what the page shows is asked again as time goes on, one round after another, and only while it can be seen.
import { type Query, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import type { Search } from "../../lib/search";
import { boundsOf, writeLength } from "../../lib/time";
import { paths } from "../../paths";
import { useChangeSearch, useSearch } from "../useSearch";

/** Pages whose answers go on with the time. */
const pages: string[] = [paths.home, paths.explore, paths.map, paths.entity];

const minute = 60_000;

/** How long a round waits for the next, in milliseconds: a long time changes little in some seconds. */
export function roundLength(length: number): number {
  if (length <= 60 * minute) return 5_000;
  if (length <= 12 * 60 * minute) return 15_000;
  return 60_000;
}

/** A round takes at most so small a part of the time, however slow the server is. */
const restsFor = 4;

export type LiveState = { isOffered: boolean; isOn: boolean; toggle: () => void };

/** Whether this page is live. What is odd now is so unless someone paused it; other pages are when someone asks for it. */
export function useLive(): LiveState {
  const search = useSearch();
  const { pathname } = useLocation();
  const change = useChangeSearch();
  const isOffered = pages.includes(pathname);
  const isOn = isOffered && !search.from && (search.live ?? pathname === paths.home);
  const toggle = () => change(isOn ? { live: false } : { ...relative(search), live: true });
  return { isOffered, isOn, toggle };
}

/** The same length of time until now. */
function relative(search: Search): Search {
  if (!search.from) return {};
  const { start, end } = boundsOf(search);
  return { last: writeLength(Math.max(1, Math.round((end - start) / 1000)) * 1000), from: undefined, to: undefined };
}

const follows = (query: Query) => query.meta?.followsTime === true;

/** Someone who draws, chooses or selects is not interrupted. */
let isPressed = false;
const isBusy = () =>
  isPressed ||
  [...document.querySelectorAll("[role=menu],[role=listbox],[role=dialog]")].some((one) => one.checkVisibility());

/** Asks again in rounds while `isOn`, none before the one before it has ended. */
export function useRounds(isOn: boolean, search: Search): void {
  const queries = useQueryClient();
  const { start, end } = boundsOf(search);
  const pause = roundLength(end - start);
  useEffect(() => {
    if (!isOn) return;
    let timer = 0;
    let isStopped = false;
    const plan = (wait: number) => {
      window.clearTimeout(timer);
      if (!isStopped && !document.hidden) timer = window.setTimeout(() => void round(), wait);
    };
    async function round() {
      if (isBusy() || queries.isFetching({ predicate: follows })) return plan(500);
      const began = performance.now();
      await queries.refetchQueries({ type: "active", predicate: follows }, { cancelRefetch: false });
      plan(Math.max(pause, (performance.now() - began) * restsFor));
    }
    const seen = () => (document.hidden ? window.clearTimeout(timer) : plan(0));
    const press = () => {
      isPressed = true;
    };
    const release = () => {
      isPressed = false;
    };
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("pointerdown", press, true);
    for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, release, true);
    plan(pause);
    return () => {
      isStopped = true;
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("pointerdown", press, true);
      for (const name of ["pointerup", "pointercancel", "blur"]) window.removeEventListener(name, release, true);
    };
  }, [isOn, pause, queries]);
}

export type AsOf = { time: number; isLate: boolean };

/** When the oldest of the page's answers came, and whether the server failed to renew one since; nothing while there is none. */
export function useAsOf(): { asOf: AsOf | undefined; ask: () => void } {
  const queries = useQueryClient();
  const cache = queries.getQueryCache();
  const subscribe = useCallback((changed: () => void) => cache.subscribe(changed), [cache]);
  const told = useSyncExternalStore(subscribe, () => {
    const answers = cache.findAll({ type: "active", predicate: follows }).filter((one) => one.state.dataUpdatedAt > 0);
    if (!answers.length) return "";
    const oldest = Math.min(...answers.map((one) => one.state.dataUpdatedAt));
    return `${oldest} ${answers.some((one) => one.state.status === "error")}`;
  });
  const [time, late] = told.split(" ");
  const ask = () => void queries.refetchQueries({ type: "active", predicate: follows }, { cancelRefetch: false });
  return { asOf: time ? { time: Number(time), isLate: late === "true" } : undefined, ask };
}
