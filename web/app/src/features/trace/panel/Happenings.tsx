// What happened during a span: its events, its log records, and the spans it links to.
import { Link, useSearch } from "@tanstack/react-router";
import type { LogRecord, Span } from "../../../api/types";
import { formatDuration } from "../../../lib/format";
import { paths } from "../../../paths";
import { carried } from "../../../ui/useSearch";
import { linksOf } from "../files/jaeger";
import type { SpanNode, TraceModel } from "../model/build";
import { FieldList } from "./Fields";

type Properties = { trace: TraceModel; node: SpanNode };

const since = ({ trace, node }: Properties, time: string) => Number(BigInt(time) - trace.origin) - node.start;

const shownMax = 200;

export function Events({ span: { events }, ...of }: Properties & { span: Span }) {
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
            {event.name ?? "event"} <span className="quiet small">+{formatDuration(since(of, event.time))}</span>
          </h3>
          <FieldList fields={Object.entries(event.attributes)} table="logs" />
        </section>
      ))}
      {events.length > shownMax ? <p className="quiet">and {events.length - shownMax} more</p> : null}
    </details>
  );
}

export function Logs({ logs, ...of }: Properties & { logs: LogRecord[] }) {
  if (!logs.length) return null;
  return (
    <details className="span-group" open>
      <summary>
        Log records <span className="quiet small">{logs.length}</span>
      </summary>
      {logs.slice(0, shownMax).map((record, order) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: records have no name of their own and are never reordered
        <section key={order} className="span-event">
          <h3>
            <span className={(record.severity_number ?? 0) >= 17 ? "trace-bad" : undefined}>
              {record.severity_text ?? "log"}
            </span>{" "}
            <span className="quiet small">+{formatDuration(since(of, record.time))}</span>
          </h3>
          <div className="span-body">{record.body ?? record["event.name"]}</div>
          <FieldList fields={Object.entries(record.attributes)} table="logs" />
        </section>
      ))}
      {logs.length > shownMax ? <p className="quiet">and {logs.length - shownMax} more</p> : null}
    </details>
  );
}

export function Links({ span }: { span: Span }) {
  const search = useSearch({ strict: false });
  const links = linksOf(span);
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
