// Everything that is known of one span, beside the trace.
import { ActionIcon, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { LogRecord, Span } from "../../../api/types";
import { formatCount, formatDuration, formatPercent, formatTime } from "../../../lib/format";
import { Failed, Loading } from "../../../ui/States";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import type { SpanNode, TraceModel } from "../model/build";
import { Fields } from "./Fields";
import { Events, Links, Logs } from "./Happenings";
import { Onward } from "./Onward";
import { useSpan } from "./useSpan";
import "./panel.css";

type Properties = { trace: TraceModel; node: SpanNode; onChoose: (node: number | null) => void };

const kinds: Record<string, string> = {
  server: "Answers a request",
  client: "Asks another service",
  producer: "Sends a message",
  consumer: "Takes a message",
  internal: "Work inside the service",
};

export function SpanPanel({ trace, node, onChoose }: Properties) {
  const { span, logs, error, retry } = useSpan(trace, node);
  const parent = trace.nodes[node.parent];
  return (
    <aside className="span-panel" aria-label="The chosen span">
      <header>
        <span className="trace-swatch" style={{ background: trace.colours.get(node.service) }} aria-hidden="true" />
        <h2>{node.name}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label="Close the span" onClick={() => onChoose(null)}>
          <IconX size={16} />
        </ActionIcon>
      </header>
      <p className="quiet">
        {kinds[node.kind] ?? `A span of kind ${node.kind}`}, in{" "}
        <ValueMenu field="service.name" value={(span ? span["service.name"] : node.service) ?? null} table="spans" />
        {parent ? (
          <>
            {" "}
            for{" "}
            <button type="button" className="link" onClick={() => onChoose(parent.index)}>
              {parent.name}
            </button>
          </>
        ) : null}
        .
      </p>
      {node.error || span?.status_message ? (
        <p className={node.error ? "span-status span-error" : "span-status"}>
          <ValueMenu field="status_code" value={node.status} table="spans" />
          {span?.status_message ? (
            <>
              : <ValueMenu field="status_message" value={span.status_message} table="spans" />
            </>
          ) : null}
        </p>
      ) : null}
      <Times trace={trace} node={node} />
      {span ? (
        <Details trace={trace} node={node} span={span} logs={logs} />
      ) : error ? (
        <Failed error={error} onRetry={retry} />
      ) : (
        <Loading what="the attributes" />
      )}
    </aside>
  );
}

type Known = { trace: TraceModel; node: SpanNode; span: Span; logs: LogRecord[] };

function Details({ trace, node, span, logs }: Known) {
  const [text, setText] = useState("");
  const scope: Record<string, unknown> = { ...span.scope };
  if (span["scope.name"]) scope["scope.name"] = span["scope.name"];
  if (span["scope.version"]) scope["scope.version"] = span["scope.version"];
  return (
    <>
      <Onward trace={trace} node={node} span={span} />
      <TextInput
        aria-label="Search in the attributes"
        placeholder="Search in the attributes"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Fields title="Attributes" fields={span.attributes} text={text} open />
      <Events trace={trace} node={node} span={span} />
      <Logs trace={trace} node={node} logs={logs} />
      <Links span={span} />
      <Fields title="Resource" fields={span.resource} text={text} />
      <Fields title="Scope" fields={scope} text={text} />
      <Fields
        title="Span"
        fields={{
          span_id: span.span_id,
          parent_span_id: span.parent_span_id ?? null,
          kind: span.kind,
          trace_state: span.trace_state ?? null,
          sample_weight: span.sample_weight,
        }}
        text={text}
      />
    </>
  );
}

function Times({ trace, node }: { trace: TraceModel; node: SpanNode }) {
  useUtc();
  const at = trace.origin + BigInt(Math.round(node.start));
  return (
    <dl className="span-times">
      <dt>Start</dt>
      <dd>
        {formatTime(at)} <span className="quiet">+{formatDuration(node.start)}</span>
      </dd>
      <dt>Duration</dt>
      <dd>
        {node.unfinished ? "no end yet" : formatDuration(node.given)}{" "}
        {node.unfinished ? null : (
          <span className="quiet">{formatPercent(node.duration / trace.duration)} of the trace</span>
        )}
      </dd>
      <dt title="Without that of the spans below it">Own time</dt>
      <dd>
        {formatDuration(node.self)}{" "}
        <span className="quiet">{node.duration ? formatPercent(node.self / node.duration) : "–"} of the span</span>
      </dd>
      {node.critical > 0 ? (
        <>
          <dt>Critical path</dt>
          <dd>
            {formatDuration(node.critical)} <span className="quiet">that the trace waited for</span>
          </dd>
        </>
      ) : null}
      {node.children.length ? (
        <>
          <dt>Below it</dt>
          <dd>
            {node.last - node.index === 2 ? "1 span" : `${formatCount(node.last - node.index - 1)} spans`}
            {node.errorsBelow ? <span className="trace-bad">, {formatCount(node.errorsBelow)} with errors</span> : null}
          </dd>
        </>
      ) : null}
    </dl>
  );
}
