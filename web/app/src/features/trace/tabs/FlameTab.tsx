// The trace as a flame graph: time across, who called whom downwards.
import { Button, useComputedColorScheme } from "@mantine/core";
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import { formatDuration, formatPercent } from "../../../lib/format";
import type { SpanNode, TraceModel } from "../model/build";
import { layOutFlame, spanAt } from "../model/flame";
import { drawFlame, lineHeight } from "./drawFlame";

type Properties = { trace: TraceModel; chosen: number; onChoose: (node: number | null) => void };

export function FlameTab({ trace, chosen, onChoose }: Properties) {
  const layout = useMemo(() => layOutFlame(trace), [trace]);
  const scheme = useComputedColorScheme();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [inside, setInside] = useState(-1);
  const [marked, setMarked] = useState(-1);
  const zoomed = trace.nodes[inside];
  const start = zoomed?.start ?? 0;
  const end = zoomed ? Math.max(zoomed.end, zoomed.start + 1) : trace.duration;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the scheme's tokens
  useEffect(() => {
    const [element, around] = [canvas.current, scroller.current];
    if (!element || !around) return;
    let frame = 0;
    const draw = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() =>
        drawFlame(element, trace, layout, { start, end, top: around.scrollTop, marked, chosen }),
      );
    };
    draw();
    around.addEventListener("scroll", draw, { passive: true });
    const observer = new ResizeObserver(draw);
    observer.observe(around);
    return () => {
      cancelAnimationFrame(frame);
      around.removeEventListener("scroll", draw);
      observer.disconnect();
    };
  }, [trace, layout, start, end, marked, chosen, scheme]);

  const under = (event: MouseEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const perPixel = (end - start) / box.width;
    const line = Math.floor((event.clientY - box.top + (scroller.current?.scrollTop ?? 0)) / lineHeight);
    return spanAt(trace, layout.lines[line] ?? [], start + (event.clientX - box.left) * perPixel, 2 * perPixel);
  };
  const zoomTo = (node: number) => {
    setInside(node === inside ? -1 : node);
    if (node >= 0) onChoose(node);
  };
  const mark = (node: number | undefined) => {
    if (node === undefined || node < 0) return;
    setMarked(node);
    const top = (layout.lineOf[node] ?? 0) * lineHeight;
    const around = scroller.current;
    if (around && (top < around.scrollTop || top + lineHeight > around.scrollTop + around.clientHeight))
      around.scrollTop = top - around.clientHeight / 2;
  };
  const press = (event: KeyboardEvent) => {
    const node = trace.nodes[marked >= 0 ? marked : trace.main];
    if (!node) return;
    const siblings = trace.nodes[node.parent]?.children ?? trace.roots;
    const at = siblings.indexOf(node.index);
    if (event.key === "ArrowUp") mark(node.parent);
    else if (event.key === "ArrowDown") mark(marked < 0 ? node.index : node.children[0]);
    else if (event.key === "ArrowLeft") mark(siblings[at - 1]);
    else if (event.key === "ArrowRight") mark(siblings[at + 1]);
    else if (event.key === "Enter") zoomTo(node.index);
    else if (event.key === "Escape") {
      setInside(-1);
      onChoose(null);
    } else return;
    event.preventDefault();
  };
  const said = trace.nodes[marked] ?? trace.nodes[chosen];
  return (
    <>
      <div className="flame-said" role="status">
        {said ? (
          <Said trace={trace} node={said} />
        ) : (
          <span className="quiet">Point at a span; a click looks closer.</span>
        )}
        {zoomed ? (
          <Button variant="subtle" size="compact-xs" onClick={() => setInside(-1)}>
            Whole trace
          </Button>
        ) : null}
      </div>
      <div ref={scroller} className="panel trace-fill">
        {/* The canvas is as large as the view and stays in it; the height is that of all lines. */}
        <div style={{ height: layout.lines.length * lineHeight + 4 }}>
          {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the canvas has keys of its own */}
          <canvas
            ref={canvas}
            className="flame"
            role="application"
            tabIndex={0}
            aria-label="Flame graph. Arrow keys move between spans, Enter looks closer, Escape shows everything."
            onMouseMove={(event) => setMarked(under(event))}
            onMouseLeave={() => setMarked(-1)}
            onClick={(event) => zoomTo(under(event))}
            onKeyDown={press}
          />
        </div>
      </div>
    </>
  );
}

function Said({ trace, node }: { trace: TraceModel; node: SpanNode }) {
  return (
    <span>
      <span className="trace-swatch" style={{ background: trace.colours.get(node.service) }} aria-hidden="true" />
      {node.name} <span className="quiet">{node.service}</span> · {formatDuration(node.duration)},{" "}
      {formatPercent(node.duration / trace.duration)} of the trace · own time {formatDuration(node.self)}
      {node.error ? <span className="trace-bad"> · error</span> : null}
    </span>
  );
}
