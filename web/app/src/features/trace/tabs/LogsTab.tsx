// The log records of the trace, in order, each with the span it is of.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { formatDuration } from "../../../lib/format";
import { Empty } from "../../../ui/States";
import type { TraceModel } from "../model/build";
import type { Whole } from "../useTrace";
import { WholeTrace } from "../WholeTrace";
import { useRows } from "./useRows";

type Properties = { trace: TraceModel; whole: Whole; onChoose: (node: number | null) => void };

export function LogsTab({ trace, whole, onChoose }: Properties) {
  if (!trace.logs.length)
    return (
      <Empty title="No log record names this trace">
        Records appear here when they are sent by OTLP with the trace's id; most logging libraries have a setting for
        it. Events of spans are in the waterfall.
      </Empty>
    );
  return (
    <WholeTrace whole={whole} what="the log records">
      <LogList trace={trace} onChoose={onChoose} />
    </WholeTrace>
  );
}

function LogList({ trace, onChoose }: Omit<Properties, "whole">) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: trace.logs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 30,
    overscan: 10,
  });
  const rows = useRows(scroller, trace.logs.length, (row) => virtual.scrollToIndex(row));
  return (
    <section
      ref={scroller}
      className="panel trace-fill"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Log records"
      onKeyDown={rows.onKeyDown}
    >
      <ol className="trace-logs" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const log = trace.logs[item.index];
          if (!log?.record) return null;
          const { record } = log;
          const node = trace.nodes[log.node];
          return (
            <li
              key={item.index}
              ref={virtual.measureElement}
              data-index={item.index}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className="number quiet">+{formatDuration(log.at)}</span>
              <span className={(record.severity_number ?? 0) >= 17 ? "trace-bad" : "quiet"}>
                {record.severity_text ?? "log"}
              </span>
              <span className="trace-log-body">{record.body ?? record["event.name"]}</span>
              {node ? (
                <button type="button" className="link" {...rows.stop(item.index)} onClick={() => onChoose(node.index)}>
                  {node.service} · {node.name}
                </button>
              ) : (
                <span className="quiet" {...rows.stop(item.index)}>
                  {record["service.name"] ?? "no span"}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
