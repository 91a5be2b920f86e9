// One trace, as a list of its spans.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { getJson } from "../../api/client";
import type { Trace } from "../../api/types";
import { formatDuration } from "../../lib/format";
import { paths } from "../../paths";
import { Failed, Loading } from "../../ui/States";

export function TracePage() {
  const { id } = useParams({ from: paths.trace });
  const trace = useQuery({
    queryKey: ["trace", id],
    queryFn: ({ signal }) => getJson<Trace>(`api/v1/traces/${encodeURIComponent(id)}`, {}, signal),
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Trace</h1>
        <span className="mono quiet">{id}</span>
      </div>
      {trace.isPending ? <Loading what="the trace" /> : null}
      {trace.isError ? <Failed error={trace.error} onRetry={() => void trace.refetch()} /> : null}
      {trace.data ? (
        <div className="panel scroll">
          <table className="plain-table">
            <tbody>
              {trace.data.spans.map((span) => (
                <tr key={span.span_id}>
                  <td>{span.name}</td>
                  <td className="number">{formatDuration(span.duration_ns)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </div>
  );
}
