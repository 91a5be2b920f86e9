// The newest spans that failed; each leads to its trace.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import { followsTime } from "../../api/queries";
import type { Answer } from "../../api/types";
import { formatAge, formatDuration, formatTime } from "../../lib/format";
import { paths } from "../../paths";
import { Scroll } from "../../ui/Scroll";
import { Loading, Unanswered } from "../../ui/States";
import { carried, useSearch } from "../../ui/useSearch";
import { useUtc } from "../../ui/useUtc";
import { ValueMenu } from "../../ui/ValueMenu";
import { column, newestErrorsQuestion, numberOf } from "./questions";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);

export function NewestErrors() {
  useUtc();
  const shared = useSearch();
  const { last, from, to, where } = shared;
  const search = { last, from, to, where };
  const errors = useQuery({
    queryKey: ["newest-errors", search],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", newestErrorsQuestion(search), signal),
    meta: followsTime,
    placeholderData: keepPreviousData,
  });
  return (
    <section className="home-section" aria-labelledby="errors">
      <h2 id="errors">Newest errors</h2>
      {errors.isPending ? <Loading what="the errors" /> : null}
      {errors.isError ? <Unanswered query={errors} /> : null}
      {errors.data && errors.data.rows.length === 0 ? <p className="quiet">None in this time.</p> : null}
      {errors.data?.rows.length ? (
        <Scroll label="Newest errors" className="panel">
          <table className="plain-table error-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col">Service</th>
                <th scope="col">Message</th>
                <th scope="col" className="number">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>{rowsOf(errors.data)}</tbody>
          </table>
        </Scroll>
      ) : null}
    </section>
  );

  function rowsOf(answer: Answer) {
    const names = [
      "time",
      "name",
      "service.name",
      "status_message",
      "duration_ns",
      "trace_id",
      "span_id",
      "exception.type",
    ];
    const [times, spans, services, messages, durations, traces, ids, types] = names.map((name) => column(answer, name));
    return answer.rows.map((_, row) => {
      const [time, trace, span] = [text(times?.[row]), text(traces?.[row]), text(ids?.[row])];
      const name = text(spans?.[row]) ?? "without a name";
      const message = text(messages?.[row]) ?? text(types?.[row]) ?? "–";
      return (
        <tr key={`${trace} ${span}`}>
          <td className="error-when quiet" title={time ? formatTime(time) : undefined}>
            {time ? formatAge(time) : "–"}
          </td>
          <td className="error-name">
            {trace ? (
              <Link to={paths.trace} params={{ id: trace }} search={{ ...carried(shared), span: span ?? undefined }}>
                <bdi className="error-clamped" title={name}>
                  {name}
                </bdi>
              </Link>
            ) : (
              name
            )}
          </td>
          <td className="error-service">
            <ValueMenu field="service.name" value={text(services?.[row])} table="spans" />
          </td>
          <td className="error-message">
            <bdi className="error-clamped" title={message}>
              {message}
            </bdi>
          </td>
          <td className="number error-took">{formatDuration(numberOf(durations?.[row]))}</td>
        </tr>
      );
    });
  }
}
