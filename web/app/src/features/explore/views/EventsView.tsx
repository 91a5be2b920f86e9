// Single events, the newest first, with the columns that were chosen; a row opens to all its fields.
import { Button, TagsInput } from "@mantine/core";
import { memo, useState } from "react";
import type { Answer, Column } from "../../../api/types";
import { formatCell, formatOf } from "../../../lib/units";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import { cellValue, useAddress, useAnswer, useChange } from "../answers";
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
  return (
    <div className="scroll panel">
      <table className="plain-table events-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Fields</span>
            </th>
            {columns.map((name) => (
              <th key={name} scope="col" className={isFigure(name) ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row, index) => (
            <EventRow
              key={rowKey(answer.columns, row, index)}
              all={answer.columns}
              columns={columns.join("\n")}
              row={row}
              table={table}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

type RowProperties = { all: Column[]; columns: string; row: unknown[]; table: Table };

/** Whether a row is open it knows itself: hundreds of others need not be drawn again for it. */
const EventRow = memo(function EventRow({ all, columns: joined, row, table }: RowProperties) {
  const [open, setOpen] = useState(false);
  useUtc();
  const columns = joined.split("\n");
  return (
    <>
      <tr>
        <td>
          <button
            type="button"
            className="opener"
            aria-expanded={open}
            aria-label="All fields of this event"
            onClick={() => setOpen(!open)}
          >
            {open ? "▾" : "▸"}
          </button>
        </td>
        {columns.map((name) => (
          <td key={name} className={isFigure(name) ? "number" : undefined}>
            <EventCell columns={all} row={row} name={name} table={table} />
          </td>
        ))}
      </tr>
      {open ? (
        <tr className="opened">
          <td colSpan={columns.length + 1}>
            <EventFields columns={all} row={row} table={table} />
          </td>
        </tr>
      ) : null}
    </>
  );
});

function isFigure(name: string): boolean {
  return /_ns$|^value$|^count$/.test(name);
}

/** What tells an event from the others as long as new ones come in above it. */
export function rowKey(columns: Column[], row: unknown[], index: number): string {
  const at = (name: string) => row[columns.findIndex((column) => column.name === name)];
  const [time, span] = [at("time"), at("span_id")];
  return span ? `${time} ${span} ${at("event.name") ?? ""}` : `${time} ${index}`;
}

type CellProperties = { columns: Column[]; row: unknown[]; name: string; table: Table };

function EventCell({ columns, row, name, table }: CellProperties) {
  const place = columns.findIndex((column) => column.name === name);
  const column = columns[place];
  const value = row[place];
  if (!column || value === null || value === undefined) return <span className="quiet">–</span>;
  if (column.name === "trace_id") return <TraceLink columns={columns} row={row} short />;
  if (column.type === "timestamp_ns") return <span className="nowrap">{formatCell(value, column)}</span>;
  const plain = cellValue(value);
  if (plain === null) return <span className="mono">{JSON.stringify(value).slice(0, 200)}</span>;
  return (
    <ValueMenu field={column.name} value={plain} table={table}>
      {typeof plain === "number" ? formatOf(column.name)(plain) : String(plain).slice(0, 300)}
    </ValueMenu>
  );
}
