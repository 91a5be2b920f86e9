// The newest events as they come: kept up to a number, redrawn at most four times a second, waiting while paused.
import { useCallback, useEffect, useRef, useState } from "react";
import { follow, type TailEvent } from "./tail";

/** As many events as the page keeps; older ones are let go, and counted. */
export const keptMost = 500;

export type Row = { number: number; event: TailEvent };
type Counts = { came: number; leftOut: number; unread: number };
type State = { rows: Row[]; waiting: number; counts: Counts; standing: boolean; error: unknown };
const nothing: State = {
  rows: [],
  waiting: 0,
  counts: { came: 0, leftOut: 0, unread: 0 },
  standing: false,
  error: null,
};

export function useTail(table: string, where: string | undefined, paused: boolean): State & { again: () => void } {
  const [state, setState] = useState(nothing);
  const [attempt, setAttempt] = useState(0);
  const stopped = useRef(paused);
  stopped.current = paused;
  const waiting = useRef<Row[]>([]);
  const again = useCallback(() => setAttempt((before) => before + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt starts the tail anew
  useEffect(() => {
    const abort = new AbortController();
    const counts: Counts = { came: 0, leftOut: 0, unread: 0 };
    waiting.current = [];
    setState(nothing);
    const draw = window.setInterval(() => {
      const arrived = stopped.current ? [] : waiting.current.splice(0).reverse();
      setState((before) => ({
        ...before,
        rows: arrived.length ? [...arrived, ...before.rows].slice(0, keptMost) : before.rows,
        waiting: waiting.current.length,
        counts: { ...counts },
      }));
    }, 250);
    const end = (error: unknown) => setState((before) => ({ ...before, standing: false, error }));
    follow(
      table,
      where,
      {
        started: () => setState((before) => ({ ...before, standing: true })),
        event: (event) => {
          counts.came += 1;
          waiting.current.push({ number: counts.came, event });
          // While paused no more is kept than could be shown.
          if (waiting.current.length > keptMost) waiting.current.shift();
        },
        leftOut: (events, unread) => {
          counts.leftOut += events;
          counts.unread += unread;
        },
        ended: (reason) => end(new Error(reason)),
      },
      abort.signal,
    ).catch((error: unknown) => {
      if (!abort.signal.aborted) end(error);
    });
    return () => {
      abort.abort();
      window.clearInterval(draw);
    };
  }, [table, where, attempt]);
  return { ...state, again };
}
