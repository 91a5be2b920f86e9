// One trace: what it is, what is incomplete about it, and its spans from several sides.
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { Problem } from "../../api/client";
import type { Trace } from "../../api/types";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";
import { carried } from "../../ui/useSearch";
import { OpenFile } from "./files/OpenFile";
import { readParentSpan, readTraceId } from "./model/id";
import { TraceView } from "./TraceView";
import { useTrace } from "./useTrace";
import "./tabs/tabs.css";
import "./trace.css";

/** In place of an id: there is only a file to be opened. */
const fromFile = "file";

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
  const { model, whole, error, pending, again } = useTrace(id, file);
  const openFile = (read: Trace) => {
    setFile(read);
    void navigate({ to: ".", search: (before) => ({ ...before, span: undefined, time: undefined }) });
  };
  if (model)
    return (
      <TraceView
        key={model.id}
        trace={model}
        whole={whole}
        local={file !== null}
        span={search.span}
        onRefresh={() => (file ? setFile(null) : again())}
        onFile={openFile}
      />
    );
  const unknown = error instanceof Problem && error.status === 404;
  if (given === fromFile)
    return (
      <div className="page">
        <div className="page-head">
          <h1>A trace from a file</h1>
        </div>
        <Empty title="Look at a trace that is not in this store">
          <OpenFile onTrace={openFile} />
        </Empty>
      </div>
    );
  return (
    <div className="page">
      <div className="page-head">
        <h1>Trace</h1>
        <span className="mono quiet trace-id">{id ?? given}</span>
      </div>
      {id && pending ? <Loading what="the trace" /> : null}
      {id && error && !unknown ? <Failed error={error} onRetry={again} /> : null}
      {unknown || !id ? (
        <Empty title={id ? "There is no such trace here" : "This is not the id of a trace"}>
          <ul className="trace-advice">
            <li>An id is 32 hex digits of any case; a UUID and a whole traceparent are taken too.</li>
            {id ? (
              <>
                <li>
                  A trace is here as soon as the server has acknowledged its first span.{" "}
                  <button type="button" className="link" onClick={again}>
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
          <OpenFile onTrace={openFile} />
        </Empty>
      ) : null}
    </div>
  );
}
