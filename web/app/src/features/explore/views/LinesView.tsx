// Log records as lines: time, how grave, who, and what was said; a line opens to all its fields.
import { Button } from "@mantine/core";
import { memo, useState } from "react";
import type { Answer, Column } from "../../../api/types";
import { formatTime } from "../../../lib/format";
import { severityOf, textOf } from "../../../lib/logs/severity";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import { useAddress, useAnswer } from "../answers";
import { Outcome } from "../Outcome";
import { eventsBody } from "../question/question";
import { EventFields, TraceLink } from "./EventFields";
import { rowKey } from "./EventsView";
import "./lines.css";

const more = 200;

export function LinesView() {
  const search = useAddress();
  const [limit, setLimit] = useState(more);
  const answer = useAnswer(eventsBody(search, limit));
  return (
    <Outcome answer={answer}>
      {(data) => (
        <>
          <Lines answer={data} />
          {data.rows.length >= limit && !search.limit ? (
            <Button mt="xs" variant="default" onClick={() => setLimit(limit + more)} loading={answer.isFetching}>
              Show {more} more
            </Button>
          ) : null}
        </>
      )}
    </Outcome>
  );
}

function Lines({ answer }: { answer: Answer }) {
  const { columns, rows } = answer;
  return (
    <ol className="log-lines panel" aria-label="Log records, the newest first">
      {rows.map((row, index) => (
        <Line key={rowKey(columns, row, index)} columns={columns} row={row} />
      ))}
    </ol>
  );
}

/** Whether a line is open it knows itself: hundreds of others need not be drawn again for it. */
const Line = memo(function Line({ columns, row }: { columns: Column[]; row: unknown[] }) {
  const [open, setOpen] = useState(false);
  useUtc();
  const at = (name: string) => row[columns.findIndex((column) => column.name === name)];
  const severity = severityOf(at);
  const service = at("service.name");
  return (
    <li className={`log-line log-${severity.level}`}>
      <div className="log-row">
        <button
          type="button"
          className="opener"
          aria-expanded={open}
          aria-label="All fields of this record"
          onClick={() => setOpen(!open)}
        >
          {open ? "▾" : "▸"}
        </button>
        <span className="nowrap quiet">{formatTime(String(at("time"))).slice(11)}</span>
        <span className="log-severity">
          {severity.field ? <ValueMenu field={severity.field} value={severity.text} table="logs" /> : severity.text}
        </span>
        <span className="log-service">
          {typeof service === "string" ? <ValueMenu field="service.name" value={service} table="logs" /> : null}
        </span>
        <span className="log-text">{textOf(at)}</span>
        <span className="log-trace">
          <TraceLink columns={columns} row={row} short />
        </span>
      </div>
      {open ? <EventFields columns={columns} row={row} table="logs" /> : null}
    </li>
  );
});
