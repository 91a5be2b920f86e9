// What it did: its newest requests, each hop by hop in plain words, with a link to the span that explains it.
import { Link } from "@tanstack/react-router";
import type { EntityHop, EntityTrace } from "../../api/types";
import { formatAge, formatDuration, formatTime } from "../../lib/format";
import type { Search } from "../../lib/search";
import { paths } from "../../paths";
import { useUtc } from "../../ui/useUtc";
import { type SpanOf, useSpansOfHops } from "./questions";
import { Statement } from "./Statement";
import { hopName, hopWords, weightiestHop } from "./words";
import "./traces.css";

export function EntityTraces({ traces, search }: { traces: EntityTrace[]; search: Search }) {
  useUtc();
  const spanOf = useSpansOfHops(traces);
  return (
    <ol className="entity-traces">
      {traces.map((trace) => (
        <TraceItem key={trace.trace_id} trace={trace} search={search} spanOf={spanOf} />
      ))}
    </ol>
  );
}

function TraceItem({ trace, search, spanOf }: { trace: EntityTrace; search: Search; spanOf: SpanOf }) {
  const chief = weightiestHop(trace.hops);
  const span = chief ? spanOf(trace.trace_id, chief) : undefined;
  return (
    <li className={trace.failed ? "panel entity-trace entity-failed" : "panel entity-trace"}>
      <div className="entity-trace-head">
        <Link
          to={paths.trace}
          params={{ id: trace.trace_id }}
          search={{ ...search, span }}
          className="entity-trace-link"
        >
          <Statement text={trace.statement} />
        </Link>
        <time className="quiet small" title={formatTime(trace.time)}>
          {formatAge(trace.time)}
        </time>
      </div>
      <details>
        <summary className="quiet small">
          {trace.hops.length} steps{trace.failed ? ", failed" : ""}
        </summary>
        <ol className="entity-hops">
          {trace.hops.map((hop, index) => (
            <HopItem
              // biome-ignore lint/suspicious/noArrayIndexKey: the same place may be called again; hops are never reordered
              key={index}
              hop={hop}
              trace={trace}
              chief={hop === chief}
              span={spanOf(trace.trace_id, hop)}
              search={search}
            />
          ))}
          {trace.hops_left_out ? (
            <li className="quiet small">and {trace.hops_left_out} more, on the trace’s page</li>
          ) : null}
        </ol>
      </details>
    </li>
  );
}

type HopProperties = { hop: EntityHop; trace: EntityTrace; chief: boolean; span: string | undefined; search: Search };

function HopItem({ hop, trace, chief, span, search }: HopProperties) {
  const { verb, outcome } = hopWords(hop);
  const width = trace.duration_ns ? Math.min(100, (hop.self_time_ns / trace.duration_ns) * 100) : 0;
  return (
    <li className={chief ? "entity-hop entity-chief" : "entity-hop"} style={{ paddingLeft: `${(hop.hop - 1) * 14}px` }}>
      <span className="entity-hop-words">
        <span className="quiet" title={hopName(hop.hop)}>
          {verb}
        </span>{" "}
        <Link to={paths.trace} params={{ id: trace.trace_id }} search={{ ...search, span }}>
          {hop.name}
        </Link>{" "}
        <span className="quiet">{hop.operation}</span>
      </span>
      <span className={hop.failed ? "number entity-bad" : "number"}>{outcome}</span>
      <span className="entity-own-time" title={`${formatDuration(hop.self_time_ns)} of its own`} aria-hidden="true">
        <span style={{ width: `${width}%` }} />
      </span>
    </li>
  );
}
