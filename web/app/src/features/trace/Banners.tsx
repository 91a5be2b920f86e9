// What is incomplete or odd about the trace as a whole, said once and calmly.
import { formatCount } from "../../lib/format";
import type { TraceModel } from "./model/build";

export function Banners({ model, unknownSpan }: { model: TraceModel; unknownSpan: string | null }) {
  const { missingParents, skewed, unfinished, twice, cycles } = model.counts;
  const said: string[] = [];
  if (unknownSpan) said.push(`The span ${unknownSpan} is not in this trace, or has not come yet.`);
  if (missingParents)
    said.push(
      `${spans(missingParents)} a parent that is not here: it has not come yet, was not sampled, or was sent elsewhere. ${missingParents === 1 ? "It is shown at its" : "They are shown at their"} time.`,
    );
  if (skewed)
    said.push(
      `${spans(skewed, "begins before its parent or ends before it begins", "begin before their parent or end before they begin")}: clocks differ between machines. Times are shown as they were sent.`,
    );
  if (unfinished)
    said.push(
      `${spans(unfinished, "has no end", "have no end")} yet: still running, or lost. Drawn until the last that is known.`,
    );
  if (twice) said.push(`${spans(twice, "was", "were")} stored twice and shown once.`);
  if (cycles)
    said.push(
      `${spans(cycles, "names one of its own descendants as its parent and is", "name one of their own descendants as their parent and are")} shown at the top.`,
    );
  if (model.damagedParts)
    said.push(`${formatCount(model.damagedParts)} damaged parts of the store were set aside: spans may be missing.`);
  if (!said.length) return null;
  return (
    <ul className="trace-banners" aria-label="About this trace">
      {said.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

function spans(count: number, one = "names", many = "name"): string {
  return count === 1 ? `1 span ${one}` : `${formatCount(count)} spans ${many}`;
}
