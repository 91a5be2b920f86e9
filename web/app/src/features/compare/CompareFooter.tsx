// What the comparison rests on: how much was on both sides, what was not compared, and what it took.
import type { Comparison } from "../../api/types";
import { formatAge, formatBytes, formatCount } from "../../lib/format";

export function CompareFooter({ answer }: { answer: Comparison }) {
  const { footer, folded } = answer;
  const reasons = byReason(answer.folded);
  const age = footer.newest_age_ms;
  return (
    <footer className="compare-footer small quiet">
      {folded.length ? (
        <details>
          <summary>
            {folded.length} {folded.length === 1 ? "field was" : "fields were"} not compared value by value
          </summary>
          <ul>
            {reasons.map(([reason, fields]) => (
              <li key={reason}>
                {reason}: <span className="mono">{fields.join(", ")}</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {footer.approximate.length ? (
        <p>
          Of {footer.approximate.map((one) => one.field).join(", ")} there are so many values that rare ones may be
          missed. What is told is exact.
        </p>
      ) : null}
      {footer.fields_left_out ? <p>{formatCount(footer.fields_left_out)} fields were too many to look at.</p> : null}
      {footer.damaged_parts ? <p>Some stored data is damaged and missing here. See Health.</p> : null}
      <p>
        {formatCount(footer.fields_tested)} fields, {formatCount(footer.values_tested)} values ·{" "}
        {formatCount(footer.rows_scanned)} rows looked at, {formatBytes(footer.bytes_scanned)} read ·{" "}
        {formatCount(Math.round(footer.elapsed_ms))} ms
        {footer.sampled ? " · sampled: each event counts for as many as it stands for" : ""}
        {age !== null && age !== undefined
          ? ` · newest event ${formatAge(BigInt(Math.round(Date.now() - age)) * 1_000_000n)}`
          : ""}
      </p>
      {answer.fields.length ? (
        <p>
          Effect: how well a value tells the two sides apart, from 0 to 1. Chance: how likely, at most, luck alone would
          find as much among everything that was tested. A difference need not be the cause.
        </p>
      ) : null}
    </footer>
  );
}

function byReason(folded: Comparison["folded"]): [string, string[]][] {
  const reasons = new Map<string, string[]>();
  for (const { field, reason } of folded) reasons.set(reason, [...(reasons.get(reason) ?? []), field]);
  return [...reasons];
}
