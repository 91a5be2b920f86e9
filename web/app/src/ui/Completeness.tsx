// How whole an answer is: a calm line where it can be believed, the reasons where it cannot.
import { Link } from "@tanstack/react-router";
import type { EntityCompleteness, Completeness as MapCompleteness, Share } from "../api/types";
import { formatCount, formatPercent } from "../lib/format";
import { paths } from "../paths";
import "./completeness.css";

type Given = EntityCompleteness & Partial<Pick<MapCompleteness, "refused" | "cycles">>;

function partsOf(given: Given): { words: string; share: Share }[] {
  const all: { noun: string; lacks: string; share: Share | undefined }[] = [
    { noun: "span", lacks: "without a stored parent", share: given.orphans },
    { noun: "trace", lacks: "without a first span", share: given.missing_roots },
    { noun: "span", lacks: "received late", share: given.late },
    { noun: "span", lacks: "begun before the parent", share: given.skewed },
    { noun: "span", lacks: "in a circle of parents", share: given.cycles },
  ];
  return all.flatMap(({ noun, lacks, share }) =>
    share && share.count > 0 ? [{ words: `${noun}${share.count === 1 ? "" : "s"} ${lacks}`, share }] : [],
  );
}

/** `what` is what may be incomplete: "the map". */
export function Completeness({ given, what }: { given: Given; what: string }) {
  const parts = partsOf(given);
  const doubtful = given.verdict === "cannot_tell";
  const { spans, events, weight_max } = given.sampled;
  return (
    <div
      className={doubtful ? "completeness completeness-doubt" : "completeness"}
      role={doubtful ? "alert" : undefined}
    >
      {doubtful ? <b>Cannot tell whether {what} is right. </b> : null}
      {given.doubts.map((doubt) => (
        <span key={doubt}>{doubt.endsWith(".") ? doubt : `${doubt}.`} </span>
      ))}
      <span className="quiet">
        {doubtful ? "What is known is shown all the same. " : ""}
        From {formatCount(spans)} spans
        {weight_max > 1 ? `, which stand for ${formatCount(events)}` : ""}
        {parts.length ? "; " : doubtful ? "." : "; nothing is missing."}
        {parts.map(({ words, share }, index) => (
          <span key={words}>
            {index ? ", " : ""}
            <Link to={paths.sql} search={{ statement: share.query }}>
              {formatCount(share.count)} {words}
            </Link>{" "}
            ({formatPercent(share.share)})
          </span>
        ))}
        {given.damaged_parts ? ` ${formatCount(given.damaged_parts)} damaged parts are set aside.` : ""}
      </span>
    </div>
  );
}
