// The waterfall: every span of the trace in its place in time.
import { useMediaQuery } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef } from "react";
import { formatDuration } from "../../../lib/format";
import type { TraceModel } from "../model/build";
import { keyOf, type Row } from "../model/rows";
import type { Whole } from "../useTrace";
import { Minimap } from "./Minimap";
import { NameWidth, useNameWidth } from "./NameWidth";
import { Toolbar } from "./Toolbar";
import { useKeys } from "./useKeys";
import { isOpen, useWaterfall } from "./useWaterfall";
import { WaterfallRow } from "./WaterfallRow";
import { axisTimes, place } from "./window";
import "./waterfall.css";

const rowHeight = 24;
const headHeight = 26;

type Properties = {
  trace: TraceModel;
  whole: Whole;
  chosen: number;
  time: string | undefined;
  onChoose: (node: number | null) => void;
  onTime: (time: string | undefined) => void;
};

export function Waterfall({ trace, whole, chosen, time, onChoose, onTime }: Properties) {
  const view = useWaterfall(trace, chosen, { time, onTime });
  const { rows, focus, window, toggle, moveTo } = view;
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const name = useNameWidth();
  const narrow = useMediaQuery("(max-width: 700px)");

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: headHeight,
    scrollPaddingStart: headHeight,
  });
  const shownFocus = useRef(focus);
  useEffect(() => {
    const far = Math.abs(shownFocus.current - focus) > 1;
    if (shownFocus.current !== focus) virtual.scrollToIndex(focus, { align: far ? "center" : "auto" });
    shownFocus.current = focus;
  }, [focus, virtual]);

  const { zoomTo } = view;
  const latest = useRef({ rows, toggle, moveTo, onChoose, zoomTo });
  useEffect(() => {
    latest.current = { rows, toggle, moveTo, onChoose, zoomTo };
  });
  const open = useCallback((index: number) => {
    const { rows, toggle, moveTo, onChoose } = latest.current;
    const row = rows[index];
    if (!row) return;
    moveTo(index);
    if (row.kind === "group") toggle(row);
    else onChoose(row.node);
  }, []);
  const look = useCallback((index: number) => latest.current.zoomTo(index), []);
  const fold = useCallback((row: Row) => latest.current.toggle(row), []);
  useKeys(trace, view, { open, close: () => onChoose(null), search });

  const first = virtual.getVirtualItems();
  return (
    <div className="wf" ref={name.within} style={{ "--wf-name": `${name.percent}%` } as React.CSSProperties}>
      <Toolbar view={view} whole={whole} search={search} onDone={() => scroller.current?.focus()} />
      <Minimap trace={trace} rows={rows} window={window} zoomed={view.zoomed} onWindow={view.setShown} />
      <div
        ref={scroller}
        role="treegrid"
        aria-label="Spans by time"
        aria-rowcount={rows.length + 1}
        aria-activedescendant={`wf-row-${focus}`}
        tabIndex={0}
        className="wf-scroll"
      >
        {/* biome-ignore lint/a11y/useFocusableInteractive: the grid names the active row */}
        {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table */}
        <div role="row" aria-rowindex={1} className="wf-head">
          {/* biome-ignore lint/a11y/useFocusableInteractive: the grid names the active row */}
          {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table */}
          <div role="columnheader" className="wf-name">
            Service and span
          </div>
          {/* biome-ignore lint/a11y/useFocusableInteractive: the grid names the active row */}
          {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table */}
          <div role="columnheader" className="wf-time" aria-label="Time">
            {axisTimes(window, narrow ? 2 : 5).map((at) => (
              <span key={at} className="wf-tick" style={{ left: `${place(at, window)}%` }}>
                {formatDuration(at)}
              </span>
            ))}
          </div>
        </div>
        <div role="presentation" className="wf-rows" style={{ height: virtual.getTotalSize() }}>
          {first.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <WaterfallRow
                key={keyOf(row)}
                trace={trace}
                row={row}
                index={item.index}
                top={item.start - headHeight}
                window={window}
                open={isOpen(row, trace, view.folding)}
                focused={item.index === focus}
                chosen={row.kind === "span" && row.node === chosen}
                found={row.kind === "span" && view.hitSet.has(row.node)}
                critical={view.critical}
                onToggle={fold}
                onOpen={open}
                onLook={look}
              />
            );
          })}
        </div>
      </div>
      <NameWidth {...name} />
      {rows.length ? null : <p className="quiet wf-none">No span of this trace has an error.</p>}
    </div>
  );
}
