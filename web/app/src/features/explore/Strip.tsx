// What an answer rests on, in one quiet line: how much was read, how new it is, and what is missing.
import type { Footer } from "../../api/types";
import { formatBytes, formatCount, formatDuration } from "../../lib/format";
import { useFormatOf } from "./metrics/metrics";

export function Strip({ footer, busy = false }: { footer: Footer; busy?: boolean }) {
  const formatOf = useFormatOf();
  const age = footer.newest_age_ms;
  return (
    <p className="strip quiet small" aria-live="polite">
      <span>{formatCount(footer.rows_scanned)} rows looked at</span>
      <span>{formatBytes(footer.bytes_scanned)} read</span>
      <span>{formatDuration(footer.elapsed_ms * 1e6)}</span>
      {age === null || age === undefined ? null : <span>newest event {formatDuration(age * 1e6)} old</span>}
      {footer.sampled ? (
        <span title="Counts and percentiles weigh each event by how many it stands for">sampled, weighed</span>
      ) : null}
      {footer.cut ? (
        <span className="warned">
          cut: {formatCount(footer.rows)}
          {footer.rows_found ? ` of ${formatCount(footer.rows_found)}` : ""} rows given
        </span>
      ) : null}
      {footer.groups && footer.groups > 1 ? <span>{formatCount(footer.groups)} groups in all</span> : null}
      {footer.percentile_error_max ? (
        <span>percentiles may be off by {formatOf("p99(histogram)")(footer.percentile_error_max)}</span>
      ) : null}
      {footer.damaged_parts ? (
        <span className="warned">{formatCount(footer.damaged_parts)} damaged parts are missing</span>
      ) : null}
      {busy ? <span>asking again</span> : null}
    </p>
  );
}
