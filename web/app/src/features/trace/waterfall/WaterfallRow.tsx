// One row of the waterfall: the span's name, and its bar with events, log records and critical path.
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { memo } from "react";
import { formatCount, formatDuration } from "../../../lib/format";
import type { SpanNode, TraceModel } from "../model/build";
import type { Row } from "../model/rows";
import { place, type TimeWindow } from "./window";

type Properties = {
  trace: TraceModel;
  row: Row;
  index: number;
  top: number;
  window: TimeWindow;
  open: boolean | undefined;
  focused: boolean;
  chosen: boolean;
  found: boolean;
  critical: boolean;
  onToggle: (row: Row) => void;
  onOpen: (index: number) => void;
  onLook: (index: number) => void;
};

const indent = 12;

export const WaterfallRow = memo(function WaterfallRow(properties: Properties) {
  const { trace, row, index, top, open, focused, chosen, found, onToggle, onOpen, onLook } = properties;
  const node = trace.nodes[row.kind === "span" ? row.node : (row.members[0] ?? 0)] as SpanNode;
  const errors = row.kind === "group" ? row.errors : open === false ? node.errorsBelow : 0;
  const bad = row.kind === "span" && node.error;
  const classes = ["wf-row", focused && "wf-focused", chosen && "wf-chosen", found && "wf-found"];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys, for the row that has the focus
    // biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table
    <div
      id={`wf-row-${index}`}
      role="row"
      tabIndex={-1}
      aria-level={row.depth + 1}
      aria-expanded={open}
      aria-selected={chosen}
      aria-rowindex={index + 2}
      className={classes.filter(Boolean).join(" ")}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onOpen(index)}
      onDoubleClick={() => onLook(index)}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the grid names the active row */}
      <div role="gridcell" className="wf-name" style={{ paddingLeft: 6 + Math.min(row.depth, 24) * indent }}>
        <span
          className="wf-toggle"
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation();
            if (open === undefined) onOpen(index);
            else onToggle(row);
          }}
        >
          {open === undefined ? null : open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
        </span>
        <span className="wf-service" style={{ background: trace.colours.get(node.service) }} aria-hidden="true" />
        {row.kind === "group" ? <span className="wf-alike">×{formatCount(row.members.length)} similar</span> : null}
        <span className={bad ? "wf-title wf-bad" : "wf-title"}>{node.name}</span>
        <span className="wf-of">{node.service}</span>
        {bad ? <span className="wf-mark wf-bad">error</span> : null}
        {errors ? (
          <span className="wf-mark wf-bad">{errors === 1 ? "1 error" : `${formatCount(errors)} errors`} below</span>
        ) : null}
        {row.kind === "span" && node.missingParent ? <span className="wf-mark">parent missing</span> : null}
        {row.kind === "span" && node.skewed ? <span className="wf-mark">clock differs</span> : null}
        {row.kind === "span" && node.cycleBroken ? <span className="wf-mark">its own ancestor</span> : null}
        {row.kind === "span" && node.links ? <span className="wf-mark">links</span> : null}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid is not a table */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the grid names the active row */}
      <div role="gridcell" className="wf-time">
        <Bar {...properties} node={node} />
      </div>
    </div>
  );
});

function Bar({ trace, row, window, critical, node }: Properties & { node: SpanNode }) {
  const [start, end] = row.kind === "group" ? [row.start, row.end] : [node.start, node.end];
  const left = place(start, window);
  const right = place(end, window);
  const outside = end < window.start || start > window.end;
  const colour = trace.colours.get(node.service);
  const label =
    row.kind === "group"
      ? `${formatDuration(row.end - row.start)} in all`
      : node.unfinished
        ? "no end yet"
        : formatDuration(node.given);
  // The figure is where there is room: behind the bar, before it, or on it.
  const side = right < 80 ? "after" : left > 20 ? "before" : "inside";
  const at = side === "after" ? { left: `${right}%` } : { right: `${side === "before" ? 100 - left : 100 - right}%` };
  return (
    <>
      {outside ? null : (
        <span
          className={`wf-bar${node.unfinished && row.kind === "span" ? " wf-unfinished" : ""}${row.kind === "group" ? " wf-group" : ""}${node.error && row.kind === "span" ? " wf-failed" : ""}`}
          style={{ left: `${left}%`, width: `${right - left}%`, background: colour, color: colour }}
        />
      )}
      {critical && row.kind === "span" && !outside ? <CriticalParts node={node} window={window} /> : null}
      {row.kind === "span" ? <Marks trace={trace} node={node} window={window} /> : null}
      <span className={`wf-figure wf-${side}`} style={at}>
        {label}
      </span>
    </>
  );
}

const partsMax = 200;

function CriticalParts({ node, window }: { node: SpanNode; window: TimeWindow }) {
  const shown: [number, number][] = [];
  for (const [start, end] of node.criticalParts) {
    if (end < window.start || start > window.end || shown.length >= partsMax) continue;
    const [left, right] = [place(start, window), place(end, window)];
    const last = shown.at(-1);
    // Parts that would touch on the screen are one; they come from the last to the first.
    if (last && last[0] - right < 0.15) last[0] = left;
    else shown.push([left, right]);
  }
  return shown.map(([left, right]) => (
    <span
      key={left}
      className="wf-critical"
      style={{ left: `${left}%`, width: `${right - left}%` }}
      title={`${formatDuration(node.critical)} of the critical path`}
    />
  ));
}

const marksMax = 40;

function Marks({ trace, node, window }: { trace: TraceModel; node: SpanNode; window: TimeWindow }) {
  if (!node.events.length && !node.logs.length) return null;
  const within = (at: number) => at >= window.start && at <= window.end;
  const events = node.events.slice(0, marksMax).map((event, order) => ({
    key: `e${order}`,
    at: event.at,
    kind: "wf-event",
    said: event.name ?? "event",
  }));
  const logs = node.logs.slice(0, marksMax).map((log) => {
    const { record, at, severity } = trace.logs[log] as TraceModel["logs"][number];
    const loud = severity >= 17 ? " wf-loud" : "";
    return { key: `l${log}`, at, kind: `wf-log${loud}`, said: record?.body ?? record?.["event.name"] ?? "log record" };
  });
  return [...events, ...logs]
    .filter(({ at }) => within(at))
    .map(({ key, at, kind, said }) => (
      <span
        key={key}
        className={kind}
        style={{ left: `${place(at, window)}%` }}
        title={`${formatDuration(at)} ${said.slice(0, 200)}`}
      />
    ));
}
