// A drawing with something laid over it, which is told the moment that was clicked.
import { type MouseEvent, type ReactNode, useState } from "react";
import { momentAt } from "./frame";

/** What is laid over a chart; `picked` is in seconds. */
export type Overlay = (picked: number | undefined, pick: (moment: number | undefined) => void) => ReactNode;

type Properties = { start: number; end: number; overlay: Overlay | undefined; children: ReactNode };

export function Laid({ start, end, overlay, children }: Properties) {
  const [picked, pick] = useState<number>();
  if (!overlay) return children;
  // After a drag, uPlot lets no click through.
  const click = (event: MouseEvent<HTMLDivElement>) => {
    if (!(event.target instanceof Element) || !event.target.closest(".u-over")) return;
    pick(momentAt(event.currentTarget, event.clientX, start, end));
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: a moment can be written, too
    <div className="chart-laid" onClick={click}>
      {children}
      {overlay(picked, pick)}
    </div>
  );
}
