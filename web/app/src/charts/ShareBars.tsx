// Which part of each side of a comparison has a value: a pair of bars for each. Place, colour and text tell the sides
// apart; it is a table to a screen reader.
import type { ReactNode } from "react";
import { formatPercent } from "../lib/format";
import "./share-bars.css";

export type ShareRow = {
  key: string;
  /** What the row is of; may hold buttons. */
  name: ReactNode;
  selection: number;
  baseline: number;
  /** How many events that is, as text. */
  selectionCount?: string;
  baselineCount?: string;
  actions?: ReactNode;
};

export function ShareBars({ caption, rows }: { caption: string; rows: readonly ShareRow[] }) {
  return (
    <table className="share-bars">
      <caption className="visually-hidden">{caption}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Value</th>
          <th scope="col">Selection</th>
          <th scope="col">Baseline</th>
          <th scope="col">What to do with it</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row">{row.name}</th>
            <td>
              <Bar side="selection" share={row.selection} count={row.selectionCount} />
            </td>
            <td>
              <Bar side="baseline" share={row.baseline} count={row.baselineCount} />
            </td>
            <td className="share-actions">{row.actions}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type BarProperties = { side: "selection" | "baseline"; share: number; count: string | undefined };

function Bar({ side, share, count }: BarProperties) {
  return (
    <div className="share-bar" title={count}>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect className="share-track" width="100" height="10" />
        <rect className={`share-${side}`} width={Math.max(share > 0 ? 0.6 : 0, Math.min(1, share) * 100)} height="10" />
      </svg>
      <span className="share-figure">{formatPercent(share)}</span>
      {count ? <span className="share-count quiet small">{count}</span> : null}
    </div>
  );
}

/** What the two colours are. */
export function ShareLegend({ selection, baseline }: { selection: ReactNode; baseline: ReactNode }) {
  return (
    <ul className="share-legend small" aria-label="What the colours are">
      <li>
        <span className="share-key share-key-selection" aria-hidden="true" />
        <span>{selection}</span>
      </li>
      <li>
        <span className="share-key share-key-baseline" aria-hidden="true" />
        <span>{baseline}</span>
      </li>
    </ul>
  );
}
