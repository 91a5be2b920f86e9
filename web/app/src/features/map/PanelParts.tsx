// The frame of the panel, which takes the focus when something is chosen, and its table of figures.
import { CloseButton } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import type { Figures } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import { errorShare, rateWords } from "./words";

type FrameProperties = {
  title: string;
  kind: string;
  onClose: () => void;
  /** Whether it was chosen on the page just now, so that reading goes on here. */
  takesFocus: boolean;
  children: ReactNode;
};

export function PanelFrame({ title, kind, children, onClose, takesFocus }: FrameProperties) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) head.current?.focus({ preventScroll: true });
  }, [takesFocus]);
  return (
    <aside className="panel map-panel" aria-label={`${kind} ${title}`}>
      <div className="map-panel-head">
        <div>
          <div className="quiet small">{kind}</div>
          <h2 ref={head} tabIndex={-1}>
            {title}
          </h2>
        </div>
        <CloseButton onClick={onClose} aria-label="Close" title="Close (Esc)" />
      </div>
      {children}
    </aside>
  );
}

/** Whose figures these are: `Caller says`. */
type Side = { name: string; figures: Figures };

export function FigureTable({ sides }: { sides: Side[] }) {
  const rows: [string, (figures: Figures) => string][] = [
    ["Calls", ({ calls }) => formatCount(calls)],
    ["Rate", ({ rate }) => rateWords(rate)],
    ["Failed", (figures) => `${formatCount(figures.errors)} (${formatPercent(errorShare(figures))})`],
    ["Half take at most (p50)", ({ p50_ns }) => formatDuration(p50_ns)],
    ["95 of 100 (p95)", ({ p95_ns }) => formatDuration(p95_ns)],
    ["99 of 100 (p99)", ({ p99_ns }) => formatDuration(p99_ns)],
  ];
  return (
    <table className="plain-table map-figures">
      {sides.length > 1 ? (
        <thead>
          <tr>
            <td />
            {sides.map(({ name }) => (
              <th key={name} scope="col" className="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
      ) : null}
      <tbody>
        {rows.map(([name, show]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {sides.map((side) => (
              <td key={side.name} className="number">
                {show(side.figures)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
