// The traces of the events asked for, each as a whole: where it began, who took part, how long, what failed.
import { SegmentedControl } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { postJson } from "../../../api/client";
import { followsTime } from "../../../api/queries";
import type { Answer } from "../../../api/types";
import { formatCount, formatDuration, formatTime } from "../../../lib/format";
import { paths } from "../../../paths";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import { answersKey, numberOf, useAddress, useAnswer, useChange } from "../answers";
import { Outcome } from "../Outcome";
import { readQuestion, tracesBody } from "../question/question";
import { readTraces, type TraceSummary, tracesStatement } from "./traces";

export function TracesView() {
  const search = useAddress();
  const change = useChange();
  const spans = readQuestion(search).table === "spans";
  const chosen = useAnswer(tracesBody(search));
  const ids = chosen.data?.rows.map((row) => String(row[0])) ?? [];
  const statement = tracesStatement(ids, search, chosen.dataUpdatedAt);
  const whole = useQuery({
    queryKey: [answersKey, "traces", ids],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/sql", { sql: statement }, signal),
    meta: followsTime,
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });
  const matching = new Map(chosen.data?.rows.map((row) => [String(row[0]), numberOf(row[1]) ?? 0]));
  return (
    <>
      {spans ? (
        <SegmentedControl
          mb="xs"
          aria-label="Which traces first"
          value={search.sort ?? "newest"}
          onChange={(sort) => change({ sort: sort === "slowest" ? "slowest" : undefined })}
          data={[
            { value: "newest", label: "Newest" },
            { value: "slowest", label: "Slowest" },
          ]}
        />
      ) : null}
      <Outcome answer={chosen}>
        {() => (
          <Outcome answer={whole} strip={false}>
            {(data) => <Traces traces={readTraces(data, ids)} matching={matching} />}
          </Outcome>
        )}
      </Outcome>
    </>
  );
}

function Traces({ traces, matching }: { traces: TraceSummary[]; matching: Map<string, number> }) {
  useUtc();
  const longest = traces.reduce((most, trace) => Math.max(most, trace.duration), 1);
  return (
    <div className="scroll panel">
      <table className="plain-table figures-table">
        <thead>
          <tr>
            <th scope="col">began with</th>
            <th scope="col">services</th>
            <th scope="col" className="number">
              duration
            </th>
            <th scope="col" className="number">
              errors
            </th>
            <th scope="col" className="number">
              spans
            </th>
            <th scope="col" className="number">
              matching
            </th>
            <th scope="col">at</th>
          </tr>
        </thead>
        <tbody>
          {traces.map((trace) => (
            <tr key={trace.id}>
              <td>
                <Link to={paths.trace} params={{ id: trace.id }}>
                  {trace.root ?? "the root is missing"}
                </Link>{" "}
                {trace.rootService ? (
                  <ValueMenu field="service.name" value={trace.rootService} table="spans" />
                ) : (
                  <span className="mono quiet">{trace.id.slice(0, 8)}</span>
                )}
              </td>
              <td className="quiet">{trace.services.join(", ")}</td>
              <td className="number">
                {formatDuration(trace.duration)}
                <span className="bar" aria-hidden="true">
                  <span style={{ width: `${(trace.duration / longest) * 100}%` }} />
                </span>
              </td>
              <td className={trace.errors ? "number failed" : "number quiet"}>{formatCount(trace.errors)}</td>
              <td className="number">{formatCount(trace.spans)}</td>
              <td className="number">{formatCount(matching.get(trace.id))}</td>
              <td className="nowrap quiet">{formatTime(trace.start)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
