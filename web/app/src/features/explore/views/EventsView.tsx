// Single events, the newest first, with the columns that were chosen; a row opens to all its fields.
import { Button, TagsInput } from "@mantine/core";
import { Fragment, useState } from "react";
import type { Answer, Column } from "../../../api/types";
import { formatCell } from "../../../lib/format";
import { ValueMenu } from "../../../ui/ValueMenu";
import { cellValue, formatOf, useAddress, useAnswer, useChange } from "../answers";
import { Outcome } from "../Outcome";
import { fieldNames, useFields } from "../question/fields";
import { eventsBody, readQuestion, type Table } from "../question/question";
import { EventFields, TraceLink } from "./EventFields";

const usual: Record<Table, string[]> = {
  spans: ["time", "service.name", "name", "duration_ns", "status_code", "trace_id"],
  logs: ["time", "service.name", "severity_text", "event.name", "body", "trace_id"],
  metrics: ["time", "service.name", "name", "value", "count", "unit"],
};
const more = 100;

export function EventsView() {
  const search = useAddress();
  const change = useChange();
  const { table } = readQuestion(search);
  const [limit, setLimit] = useState(more);
  const answer = useAnswer(eventsBody(search, limit));
  const fields = useFields(table);
  const columns = search.columns ?? usual[table];
  const choose = (chosen: string[]) =>
    change({ columns: chosen.length && chosen.join() !== usual[table].join() ? chosen : undefined });
  return (
    <>
      <TagsInput
        size="xs"
        className="columns-choice"
        aria-label="Columns"
        placeholder="Add a column"
        data={fieldNames(fields.data)}
        limit={60}
        value={columns}
        onChange={choose}
      />
      <Outcome answer={answer}>
        {(data) => (
          <>
            <EventTable answer={data} columns={columns} table={table} />
            {data.rows.length >= limit && !search.limit ? (
              <Button mt="xs" variant="default" onClick={() => setLimit(limit + more * 2)} loading={answer.isFetching}>
                Show {more * 2} more
              </Button>
            ) : null}
          </>
        )}
      </Outcome>
    </>
  );
}

type Properties = { answer: Answer; columns: string[]; table: Table };

function EventTable({ answer, columns, table }: Properties) {
  const [open, setOpen] = useState<string>();
  const places = columns.map((name) => answer.columns.findIndex((column) => column.name === name));
  return (
    <div className="scroll panel">
      <table className="plain-table events-table">
        <thead>
          <tr>
            <th scope="col" aria-label="Fields" />
            {columns.map((name) => (
              <th key={name} scope="col" className={isFigure(name) ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row, index) => {
            const key = rowKey(answer.columns, row, index);
            return (
              <Fragment key={key}>
                <tr>
                  <td>
                    <button
                      type="button"
                      className="opener"
                      aria-expanded={open === key}
                      aria-label="All fields of this event"
                      onClick={() => setOpen(open === key ? undefined : key)}
                    >
                      {open === key ? "▾" : "▸"}
                    </button>
                  </td>
                  {columns.map((name, place) => (
                    <td key={name} className={isFigure(name) ? "number" : undefined}>
                      <EventCell columns={answer.columns} row={row} place={places[place] ?? -1} table={table} />
                    </td>
                  ))}
                </tr>
                {open === key ? (
                  <tr className="opened">
                    <td colSpan={columns.length + 1}>
                      <EventFields columns={answer.columns} row={row} table={table} />
                    </td>
                  </tr>
                ) : null}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function isFigure(name: string): boolean {
  return /_ns$|^value$|^count$/.test(name);
}

/** What tells an event from the others as long as new ones come in above it. */
export function rowKey(columns: Column[], row: unknown[], index: number): string {
  const at = (name: string) => row[columns.findIndex((column) => column.name === name)];
  const [time, span] = [at("time"), at("span_id")];
  return span ? `${time} ${span} ${at("event.name") ?? ""}` : `${time} ${index}`;
}

function EventCell({ columns, row, place, table }: { columns: Column[]; row: unknown[]; place: number; table: Table }) {
  const column = columns[place];
  const value = row[place];
  if (!column || value === null || value === undefined) return <span className="quiet">–</span>;
  if (column.name === "trace_id") return <TraceLink columns={columns} row={row} short />;
  if (column.type === "timestamp_ns") return <span className="nowrap">{formatCell(value, column.type)}</span>;
  const plain = cellValue(value);
  if (plain === null) return <span className="mono">{JSON.stringify(value).slice(0, 200)}</span>;
  return (
    <ValueMenu field={column.name} value={plain} table={table}>
      {column.name.endsWith("_ns") ? formatOf(column.name)(plain) : String(plain).slice(0, 300)}
    </ValueMenu>
  );
}
