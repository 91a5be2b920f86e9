// What differs from the earlier map, a line each: appeared, vanished, changed.
import { useState } from "react";
import type { Difference } from "../../api/types";
import { formatTime } from "../../lib/format";
import { Completeness } from "../../ui/Completeness";
import { useUtc } from "../../ui/useUtc";
import type { Graph } from "./graph";
import { differenceLines, type Mark } from "./words";

const names: Record<Mark, string> = { "+": "appeared", "-": "vanished", "~": "changed" };
const few = 6;

type Properties = { graph: Graph; difference: Difference; onChoose: (id: string) => void };

export function MapDifference({ graph, difference, onChoose }: Properties) {
  const [all, showAll] = useState(false);
  useUtc();
  const lines = differenceLines(graph);
  const when = `${difference.start ? formatTime(difference.start).slice(0, 16) : "the beginning"} to ${formatTime(difference.end).slice(0, 16)}`;
  return (
    <section className="panel map-difference" aria-label="What differs">
      <h2>
        {lines.length
          ? `${lines.length} ${lines.length === 1 ? "thing differs" : "things differ"} from before`
          : "Nothing differs from before"}
      </h2>
      <div className="quiet small">
        Before is {when}.
        {lines.length ? "" : " Rates and medians within a fifth, and failures within chance, count as the same."}
      </div>
      {lines.length ? (
        <ul>
          {(all ? lines : lines.slice(0, few)).map((line) => (
            <li key={line.id}>
              <span
                className={`map-line-mark map-line-${names[line.mark]}`}
                title={names[line.mark]}
                aria-hidden="true"
              >
                {line.mark}
              </span>
              <button type="button" className="map-choose" onClick={() => onChoose(line.id)}>
                {line.name}
              </button>{" "}
              {line.what}
            </li>
          ))}
        </ul>
      ) : null}
      {lines.length > few ? (
        <button type="button" className="map-choose" onClick={() => showAll(!all)}>
          {all ? "Show fewer" : `Show all ${lines.length}`}
        </button>
      ) : null}
      {difference.completeness.verdict === "cannot_tell" || difference.completeness.sampled.spans === 0 ? (
        <Completeness given={difference.completeness} what="the earlier map" />
      ) : null}
    </section>
  );
}
