// What happened during a span: its events, its log records, and the spans it links to.
import { Link, useSearch } from "@tanstack/react-router";
import { formatDuration } from "../../../lib/format";
import { paths } from "../../../paths";
import { carried } from "../../../ui/useSearch";
import type { SpanNode, TraceModel } from "../model/build";
import { linksOf } from "../model/jaeger";
import { FieldList } from "./Fields";

type Properties = { trace: TraceModel; node: SpanNode };

const shownMax = 200;

export function Events({ trace, node }: Properties) {
  const { events } = node.span;
  if (!events.length) return null;
  return (
    <details className="span-group" open>
      <summary>
        Events <span className="quiet small">{events.length}</span>
      </summary>
      {events.slice(0, shownMax).map((event, order) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: events have no name of their own and are never reordered
        <section key={order} className="span-event">
          <h3>
            {event.name ?? "event"}{" "}
            <span className="quiet small">
              +{formatDuration(Number(BigInt(event.time) - trace.origin) - node.start)}
            </span>
          </h3>
          <FieldList fields={Object.entries(event.attributes)} table="logs" />
        </section>
      ))}
      {events.length > shownMax ? <p className="quiet">and {events.length - shownMax} more</p> : null}
    </details>
  );
}

export function Logs({ trace, node }: Properties) {
  if (!node.logs.length) return null;
  return (
    <details className="span-group" open>
      <summary>
        Log records <span className="quiet small">{node.logs.length}</span>
      </summary>
      {node.logs.slice(0, shownMax).map((place) => {
        const log = trace.logs[place];
        if (!log) return null;
        const { record, at } = log;
        return (
          <section key={place} className="span-event">
            <h3>
              <span className={(record.severity_number ?? 0) >= 17 ? "trace-bad" : undefined}>
                {record.severity_text ?? "log"}
              </span>{" "}
              <span className="quiet small">+{formatDuration(at - node.start)}</span>
            </h3>
            <div className="span-body">{record.body ?? record["event.name"]}</div>
            <FieldList fields={Object.entries(record.attributes)} table="logs" />
          </section>
        );
      })}
      {node.logs.length > shownMax ? <p className="quiet">and {node.logs.length - shownMax} more</p> : null}
    </details>
  );
}

export function Links({ node }: { node: SpanNode }) {
  const search = useSearch({ strict: false });
  const links = linksOf(node.span);
  if (!links.length) return null;
  return (
    <details className="span-group" open>
      <summary>
        Links <span className="quiet small">{links.length}</span>
      </summary>
      {links.slice(0, shownMax).map((link) => (
        <section key={`${link.trace_id}${link.span_id}`} className="span-event">
          <Link
            to={paths.trace}
            params={{ id: link.trace_id }}
            search={{ ...carried(search), span: link.span_id }}
            className="mono"
          >
            {link.trace_id} · {link.span_id}
          </Link>
          <FieldList fields={Object.entries(link.attributes ?? {})} />
        </section>
      ))}
    </details>
  );
}
