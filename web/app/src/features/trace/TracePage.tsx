// One trace: what it is, what is incomplete about it, and its spans from several sides.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { Problem } from "../../api/client";
import { traceQuery } from "../../api/trace";
import type { Trace } from "../../api/types";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";
import { carried } from "../../ui/useSearch";
import { readParentSpan, readTraceId } from "./model/id";
import { OpenFile } from "./OpenFile";
import { TraceView } from "./TraceView";
import "./tabs/tabs.css";
import "./trace.css";

export function TracePage() {
  const given = useParams({ from: paths.trace }).id;
  const search = useSearch({ from: paths.trace });
  const navigate = useNavigate();
  const id = useMemo(() => readTraceId(given), [given]);
  // The address has the plain id, whatever was pasted; the span that a traceparent names is the chosen one.
  useEffect(() => {
    if (!id || id === given) return;
    const span = readParentSpan(given);
    void navigate({
      to: paths.trace,
      params: { id },
      search: (before) => ({ ...before, span: before.span ?? span }),
      replace: true,
    });
  }, [id, given, navigate]);
  const [file, setFile] = useState<Trace | null>(null);
  const trace = useQuery(traceQuery(id));
  const shown = file ?? trace.data;
  if (shown)
    return (
      <TraceView
        key={shown.trace_id}
        trace={shown}
        local={file !== null}
        span={search.span}
        onRefresh={() => (file ? setFile(null) : void trace.refetch())}
      />
    );
  const unknown = trace.error instanceof Problem && trace.error.status === 404;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Trace</h1>
        <span className="mono quiet trace-id">{id ?? given}</span>
      </div>
      {id && trace.isPending ? <Loading what="the trace" /> : null}
      {id && trace.isError && !unknown ? <Failed error={trace.error} onRetry={() => void trace.refetch()} /> : null}
      {unknown || !id ? (
        <Empty title={id ? "There is no such trace here" : "This is not the id of a trace"}>
          <ul className="trace-advice">
            <li>An id is 32 hex digits of any case; a UUID and a whole traceparent are taken too.</li>
            {id ? (
              <>
                <li>
                  A trace is here as soon as the server has acknowledged its first span.{" "}
                  <button type="button" className="link" onClick={() => void trace.refetch()}>
                    Look again
                  </button>
                  .
                </li>
                <li>
                  Retention may have dropped it: older traces are removed after the time that the server keeps them.
                </li>
                <li>Its application may not have sampled it, or may send to another server.</li>
              </>
            ) : null}
            <li>
              <Link to={paths.explore} search={{ ...carried(search), group: ["trace_id", "service.name", "name"] }}>
                Explore the spans that are here
              </Link>
              , or look at a trace file:
            </li>
          </ul>
          <OpenFile
            onTrace={(read) => {
              setFile(read);
              void navigate({ to: ".", search: (before) => ({ ...before, span: undefined }) });
            }}
          />
        </Empty>
      ) : null}
    </div>
  );
}
