// The figures of a heatmap as a table: how many events have a value in each bin, over the whole time.
import { useMemo, useState } from "react";
import { Scroll } from "../ui/Scroll";
import type { Cell } from "./heat/scale";

type Properties = { title: string; cells: Cell[]; format: (value: number) => string };

export function Spread({ title, cells, format }: Properties) {
  const [open, setOpen] = useState(false);
  const bins = useMemo(() => {
    if (!open) return [];
    const sums = new Map<number, Cell>();
    for (const cell of cells) {
      const bin = sums.get(cell.low);
      sums.set(cell.low, bin ? { ...bin, count: bin.count + cell.count } : cell);
    }
    return [...sums.values()].sort((left, right) => right.low - left.low);
  }, [cells, open]);
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Figures of {title}</summary>
      {open ? (
        <Scroll label="Figures">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{title} from</th>
                <th scope="col">to</th>
                <th scope="col" className="number">
                  events
                </th>
              </tr>
            </thead>
            <tbody>
              {bins.map((bin) => (
                <tr key={bin.low}>
                  <td>{format(bin.low)}</td>
                  <td>{format(bin.high)}</td>
                  <td className="number">{bin.count.toLocaleString("en-GB")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </details>
  );
}
