// What the waterfall shows: what is folded, which row has the focus, the part of time, and what was searched.
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import type { TraceModel } from "../model/build";
import { carryFolding, carrying, carryRow } from "../model/carry";
import { findSpans } from "../model/find";
import { type Folding, foldAll, foldOneLevel, keyOf, type Row, reveal, rowFinder, rowsOf } from "../model/rows";
import { readWindow, type TimeWindow, writeWindow } from "./window";

export type Waterfall = ReturnType<typeof useWaterfall>;

const nothingFolded: Folding = { closed: new Set(), openGroups: new Set(), errorsOnly: false };

type Address = { time: string | undefined; onTime: (time: string | undefined) => void };

export function useWaterfall(trace: TraceModel, chosen: number, { time, onTime }: Address) {
  const [folding, setFolding] = useState<Folding>(nothingFolded);
  const [focusKey, setFocusKey] = useState("s0");
  const [shown, setShown] = useState<TimeWindow | null>(() => readWindow(time, trace.duration));
  const [text, setText] = useState("");
  const [critical, setCritical] = useState(true);
  const searched = useDeferredValue(text);

  // The same trace with its attributes, or with spans that have come since: what one has folded stays as it is.
  const [known, setKnown] = useState(trace);
  if (known !== trace) {
    setKnown(trace);
    const carry = carrying(known, trace);
    if (carry) {
      setFolding((before) => carryFolding(before, carry));
      setFocusKey((before) => carryRow(before, carry));
    }
  }

  const rows = useMemo(() => rowsOf(trace, folding), [trace, folding]);
  const find = useMemo(() => rowFinder(trace, rows), [trace, rows]);
  const hits = useMemo(() => findSpans(trace, searched), [trace, searched]);
  const hitSet = useMemo(() => new Set(hits), [hits]);
  const focus = find(focusKey) ?? 0;
  // The same object as long as nothing changes, so that rows need not be drawn anew while one scrolls.
  const window = useMemo(() => shown ?? { start: 0, end: trace.duration }, [shown, trace]);

  const latestFind = useRef(find);
  useEffect(() => {
    latestFind.current = find;
  }, [find]);
  const show = useCallback(
    (node: number) => {
      if (latestFind.current(`s${node}`) === undefined) setFolding((before) => reveal(trace, node, before));
      setFocusKey(`s${node}`);
    },
    [trace],
  );
  useEffect(() => {
    if (chosen >= 0) show(chosen);
  }, [chosen, show]);

  // The address follows when one has come to rest: a drag or a held key would fill it with steps.
  const written = writeWindow(shown);
  useEffect(() => {
    if (written === time) return;
    const wait = setTimeout(() => onTime(written), 400);
    return () => clearTimeout(wait);
  }, [written, time, onTime]);

  const toggle = useCallback((row: Row, open?: boolean) => {
    setFolding((before) => {
      if (row.kind === "group") {
        const openGroups = new Set(before.openGroups);
        if (open ?? !openGroups.has(row.key)) openGroups.add(row.key);
        else openGroups.delete(row.key);
        return { ...before, openGroups };
      }
      const closed = new Set(before.closed);
      if (open ?? closed.has(row.node)) closed.delete(row.node);
      else closed.add(row.node);
      return { ...before, closed };
    });
  }, []);

  /** The next or the previous span that was found; of none that was searched, the next row. */
  const step = (by: 1 | -1) => {
    if (!text.trim()) return moveTo(focus + by);
    const row = rows[focus];
    const here = row?.kind === "span" ? row.node : (row?.members[0] ?? 0) - (by > 0 ? 1 : 0);
    const next = by > 0 ? hits.find((hit) => hit > here) : hits.findLast((hit) => hit < here);
    const hit = next ?? (by > 0 ? hits[0] : hits.at(-1));
    if (hit !== undefined) show(hit);
  };
  const moveTo = (index: number) => {
    const row = rows[Math.min(Math.max(0, index), rows.length - 1)];
    if (row) setFocusKey(keyOf(row));
  };

  /** Shows the time of one row, with a little around it. */
  const zoomTo = (index: number) => {
    const row = rows[index];
    const of = row?.kind === "span" ? trace.nodes[row.node] : row;
    if (!of) return;
    const around = Math.max(1, (of.end - of.start) * 0.1);
    setShown({ start: Math.max(0, of.start - around), end: Math.min(trace.duration, of.end + around) });
  };

  return {
    rows,
    zoomTo,
    focus,
    folding,
    window,
    zoomed: shown !== null,
    text,
    hits,
    hitSet,
    critical,
    setCritical,
    setText,
    setShown,
    show,
    step,
    toggle,
    moveTo,
    setErrorsOnly: (errorsOnly: boolean) => setFolding((before) => ({ ...before, errorsOnly })),
    foldAll: () => setFolding((before) => ({ ...before, closed: foldAll(trace), openGroups: new Set() })),
    openAll: () => setFolding((before) => ({ ...before, closed: new Set() })),
    foldOne: () => setFolding((before) => ({ ...before, closed: foldOneLevel(trace, before.closed, false) })),
    openOne: () => setFolding((before) => ({ ...before, closed: foldOneLevel(trace, before.closed, true) })),
  };
}

export function isOpen(row: Row, trace: TraceModel, folding: Folding): boolean | undefined {
  if (row.kind === "group") return folding.openGroups.has(row.key);
  return trace.nodes[row.node]?.children.length ? !folding.closed.has(row.node) : undefined;
}
