// All spans as a table that can be sorted.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { formatDuration } from "../../../lib/format";
import { byOrder, type Order, SortHead } from "../../../ui/table/SortHead";
import type { SpanNode, TraceModel } from "../model/build";
import { useRows } from "./useRows";

type Column = "service" | "name" | "kind" | "start" | "duration" | "self" | "status";
type Properties = { trace: TraceModel; chosen: number; onChoose: (node: number | null) => void };

const values: Record<Column, (node: SpanNode) => string | number> = {
  service: (node) => node.service,
  name: (node) => node.name,
  kind: (node) => node.kind,
  start: (node) => node.start,
  duration: (node) => node.duration,
  self: (node) => node.self,
  status: (node) => node.status,
};

export function SpansTab({ trace, chosen, onChoose }: Properties) {
  const [order, setOrder] = useState<Order<Column>>({ column: "start", down: false });
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => {
    const value = values[order.column];
    return trace.nodes.toSorted((left, right) => byOrder(value(left), value(right), order.down));
  }, [trace, order]);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 28,
    overscan: 10,
  });
  const tableRows = useRows(scroller, sorted.length, (row) => virtual.scrollToIndex(row));
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const head = { order, onOrder: setOrder };
  return (
    <section
      ref={scroller}
      className="panel trace-fill spans-table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Spans"
      onKeyDown={tableRows.onKeyDown}
    >
      <table className="plain-table" aria-rowcount={sorted.length + 1}>
        <thead>
          <tr>
            <SortHead {...head} column="service" title="Service" />
            <SortHead {...head} column="name" title="Name" />
            <SortHead {...head} column="kind" title="Kind" />
            <SortHead {...head} column="start" title="Start" number />
            <SortHead {...head} column="duration" title="Duration" number />
            <SortHead {...head} column="self" title="Own time" number />
            <SortHead {...head} column="status" title="Status" />
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr style={{ height: before }} /> : null}
          {items.map((item) => {
            const node = sorted[item.index] as SpanNode;
            return (
              <tr
                key={node.index}
                aria-rowindex={item.index + 2}
                className={node.index === chosen ? "spans-chosen" : undefined}
              >
                <td>
                  <span
                    className="trace-swatch"
                    style={{ background: trace.colours.get(node.service) }}
                    aria-hidden="true"
                  />
                  {node.service}
                </td>
                <td>
                  <button
                    type="button"
                    className="link"
                    {...tableRows.stop(item.index)}
                    onClick={() => onChoose(node.index)}
                  >
                    {node.name}
                  </button>
                </td>
                <td className="quiet">{node.kind}</td>
                <td className="number">+{formatDuration(node.start)}</td>
                <td className="number">{node.unfinished ? "no end yet" : formatDuration(node.given)}</td>
                <td className="number">{formatDuration(node.self)}</td>
                <td className={node.error ? "trace-bad" : "quiet"}>{node.status}</td>
              </tr>
            );
          })}
          {after > 0 ? <tr style={{ height: after }} /> : null}
        </tbody>
      </table>
    </section>
  );
}
