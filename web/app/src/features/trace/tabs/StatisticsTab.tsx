// Where the time of the trace went, by service, by name or by any field.
import { Select } from "@mantine/core";
import { type CSSProperties, useMemo, useRef, useState } from "react";
import { formatCount, formatDuration, formatPercent } from "../../../lib/format";
import { byOrder, type Order, SortHead } from "../../../ui/table/SortHead";
import type { TraceModel } from "../model/build";
import { fieldNames, outlineFields } from "../model/find";
import { groupSpans } from "../model/statistics";
import type { Whole } from "../useTrace";
import { WholeTrace } from "../WholeTrace";
import { useRows } from "./useRows";

type Column = "key" | "count" | "total" | "self" | "share" | "errors" | "max";
type Properties = {
  trace: TraceModel;
  whole: Whole;
  by: string | undefined;
  onBy: (by: string | undefined) => void;
  onChoose: (node: number | null) => void;
};

const operation = "service and name";
const shownMax = 1000;

export function StatisticsTab({ trace, whole, by = operation, onBy, onChoose }: Properties) {
  const names = useMemo(() => [operation, ...fieldNames(trace)], [trace]);
  const table = <GroupTable trace={trace} by={by} onChoose={onChoose} />;
  return (
    <>
      <div className="trace-tools">
        <Select
          label="By"
          searchable
          limit={100}
          data={names.includes(by) ? names : [...names, by]}
          value={by}
          allowDeselect={false}
          nothingFoundMessage={whole.state === "loading" ? "The fields are being read" : "No span has such a field"}
          onDropdownOpen={whole.want}
          onChange={(value) => onBy(value === operation ? undefined : (value ?? undefined))}
        />
        <span className="quiet small">
          Own time is a span's time without that of the spans below it; the shares are of all own times.
        </span>
      </div>
      {by === operation || outlineFields.includes(by) ? (
        table
      ) : (
        <WholeTrace whole={whole} what="the fields of all spans">
          {table}
        </WholeTrace>
      )}
    </>
  );
}

function GroupTable({ trace, by, onChoose }: { trace: TraceModel; by: string; onChoose: Properties["onChoose"] }) {
  const [order, setOrder] = useState<Order<Column>>({ column: "self", down: true });
  const groups = useMemo(() => groupSpans(trace, by === operation ? ["service.name", "name"] : [by]), [trace, by]);
  const sorted = useMemo(
    () => groups.toSorted((left, right) => byOrder(left[order.column], right[order.column], order.down)),
    [groups, order],
  );
  const scroller = useRef<HTMLElement>(null);
  const rows = useRows(scroller, Math.min(sorted.length, shownMax));
  const head = { order, onOrder: setOrder };
  return (
    <section
      ref={scroller}
      className="panel trace-fill"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Statistics"
      onKeyDown={rows.onKeyDown}
    >
      <table className="plain-table">
        <thead>
          <tr>
            <SortHead {...head} column="key" title={by} />
            <SortHead {...head} column="count" title="Spans" number />
            <SortHead {...head} column="self" title="Own time" number />
            <SortHead {...head} column="share" title="Share" number />
            <SortHead {...head} column="total" title="Total" number />
            <SortHead {...head} column="max" title="Longest" number />
            <SortHead {...head} column="errors" title="Errors" number />
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, shownMax).map((group, row) => (
            <tr key={group.key}>
              <td>
                <button
                  type="button"
                  className="link"
                  {...rows.stop(row)}
                  title="Show the first of these spans"
                  onClick={() => onChoose(group.example)}
                >
                  {group.key}
                </button>
              </td>
              <td className="number">{formatCount(group.count)}</td>
              <td className="number">{formatDuration(group.self)}</td>
              <td className="number">
                <span
                  className="share"
                  aria-hidden="true"
                  style={{ "--part": `${group.share * 100}%` } as CSSProperties}
                />
                <span className="share-text">{formatPercent(group.share)}</span>
              </td>
              <td className="number">{formatDuration(group.total)}</td>
              <td className="number">{formatDuration(group.max)}</td>
              <td className={group.errors ? "number trace-bad" : "number"}>{formatCount(group.errors)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet small">
        {sorted.length > shownMax
          ? `The first ${formatCount(shownMax)} of ${formatCount(sorted.length)} groups in this order.`
          : sorted.length === 1
            ? "One group."
            : `${formatCount(sorted.length)} groups.`}
      </p>
    </section>
  );
}
