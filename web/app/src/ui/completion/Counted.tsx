// A suggested value, and how many events have it.
import { formatCount } from "../../lib/format";
import "./counted.css";

export function Counted({ value, events }: { value: string; events: number | undefined }) {
  return (
    <span className="counted">
      <span className="counted-value">{value}</span>
      {events === undefined ? null : <span className="quiet small">{formatCount(events)}</span>}
    </span>
  );
}
