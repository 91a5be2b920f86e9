// All of the trace, small: dragging over it chooses the part of time that the waterfall shows.
import { useComputedColorScheme } from "@mantine/core";
import { type PointerEvent, useEffect, useRef, useState } from "react";
import { formatDuration } from "../../../lib/format";
import type { SpanNode, TraceModel } from "../model/build";
import type { Row } from "../model/rows";
import type { TimeWindow } from "./window";

type Properties = {
  trace: TraceModel;
  rows: Row[];
  window: TimeWindow;
  zoomed: boolean;
  onWindow: (window: TimeWindow | null) => void;
};

const height = 56;

export function Minimap({ trace, rows, window: shown, zoomed, onWindow }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useComputedColorScheme();
  const [drag, setDrag] = useState<[number, number] | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the scheme's tokens
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    // After the rows are on the page: of a large trace this takes a moment. Observing draws the first time.
    let wait = 0;
    const draw = () => {
      window.clearTimeout(wait);
      wait = window.setTimeout(() => drawSpans(element, trace, rows));
    };
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => {
      window.clearTimeout(wait);
      observer.disconnect();
    };
  }, [trace, rows, scheme]);

  const partOf = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const done = () => {
    if (drag) {
      const [start, end] = [Math.min(...drag) * trace.duration, Math.max(...drag) * trace.duration];
      // A click without a drag shows everything again.
      onWindow((end - start) / trace.duration > 0.003 ? { start, end } : null);
    }
    setDrag(null);
  };
  const [left, right] = drag
    ? [Math.min(...drag) * 100, Math.max(...drag) * 100]
    : [(shown.start / trace.duration) * 100, (shown.end / trace.duration) * 100];
  return (
    <div
      className="wf-minimap"
      role="img"
      aria-label={`The whole trace; shown is ${formatDuration(shown.start)} to ${formatDuration(shown.end)}. The keys + − 0 a d change it.`}
      title="Drag to look closer; click for the whole trace"
      style={{ height }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const part = partOf(event);
        setDrag([part, part]);
      }}
      onPointerMove={(event) => {
        const part = partOf(event);
        setDrag((before) => (before ? [before[0], part] : null));
      }}
      onPointerUp={done}
      onPointerCancel={() => setDrag(null)}
    >
      <canvas ref={canvas} />
      {zoomed || drag ? (
        <>
          <span className="wf-shade" style={{ left: 0, width: `${left}%` }} />
          <span className="wf-shade" style={{ left: `${right}%`, right: 0 }} />
          <span className="wf-shown" style={{ left: `${left}%`, width: `${right - left}%` }} />
        </>
      ) : null}
    </div>
  );
}

/** Bars of one colour together: to set a colour for each of 50,000 takes longer than to draw them. */
function drawSpans(canvas: HTMLCanvasElement, trace: TraceModel, rows: Row[]): void {
  const scale = globalThis.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (!context || !rows.length) return;
  const style = getComputedStyle(canvas);
  const step = canvas.height / rows.length;
  const thick = Math.max(scale, Math.min(step * 0.8, 6 * scale));
  const perTime = canvas.width / trace.duration;
  const seen = Math.max(2 * scale, thick * 0.4);
  const bars = new Map<string, Bars>();
  const failed = new Bars();
  rows.forEach((row, index) => {
    const node = trace.nodes[row.kind === "span" ? row.node : (row.members[0] ?? 0)] as SpanNode;
    const [start, end] = row.kind === "group" ? [row.start, row.end] : [node.start, node.end];
    const left = start * perTime;
    const wide = Math.max(scale, (end - start) * perTime);
    let own = bars.get(node.service);
    if (!own) {
      own = new Bars();
      bars.set(node.service, own);
    }
    own.add(left, index * step, wide, thick);
    // An error can be seen however small its span is here.
    if (row.kind === "span" ? node.error : row.errors > 0)
      failed.add(left, index * step + thick * 0.6, Math.max(2 * scale, row.kind === "span" ? wide : 0), seen);
  });
  const bad = style.getPropertyValue("--bad");
  for (const { name, colour } of trace.services) {
    bars.get(name)?.fill(context, style.getPropertyValue(colour.slice(4, -1)) || bad);
  }
  failed.fill(context, bad);
}

/** Bars of one colour; those that fall on the same pixels as the one before are left out. */
class Bars {
  private readonly places: number[] = [];

  add(left: number, top: number, wide: number, high: number): void {
    const { places } = this;
    const at = places.length - 4;
    const isSame = (before: number | undefined, now: number) => Math.round(before ?? -1) === Math.round(now);
    if (at >= 0 && isSame(places[at], left) && isSame(places[at + 1], top) && isSame(places[at + 2], wide)) return;
    places.push(left, top, wide, high);
  }

  fill(context: CanvasRenderingContext2D, colour: string): void {
    context.fillStyle = colour;
    const { places } = this;
    for (let at = 0; at < places.length; at += 4) {
      context.fillRect(places[at] ?? 0, places[at + 1] ?? 0, places[at + 2] ?? 0, places[at + 3] ?? 0);
    }
  }
}
