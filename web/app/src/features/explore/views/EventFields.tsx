// All fields of one event that have a value, each with its menu.
import { Link } from "@tanstack/react-router";
import type { Column } from "../../../api/types";
import { formatCell, formatOf } from "../../../lib/units";
import { paths } from "../../../paths";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import { cellValue } from "../answers";

// What the store keeps for itself, to give back what came in; it reads as noise among the fields.
const kept = new Set(["attribute_sources", "otlp"]);

type Properties = { columns: Column[]; row: unknown[]; table: string };

export function EventFields({ columns, row, table }: Properties) {
  useUtc();
  const given = columns
    .map((column, place) => ({ ...column, value: row[place] }))
    .filter(({ name, value }) => value !== null && value !== undefined && !kept.has(name) && !isEmpty(value));
  return (
    <dl className="event-fields">
      {given.map(({ name, type, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{name === "trace_id" ? <TraceLink columns={columns} row={row} /> : shown(name, type, value)}</dd>
        </div>
      ))}
    </dl>
  );

  function shown(name: string, type: string, value: unknown) {
    const plain = cellValue(value);
    if (plain === null) return <span className="mono">{JSON.stringify(value)}</span>;
    if (type === "timestamp_ns") return <span title={String(plain)}>{formatCell(value, { name, type })}</span>;
    return (
      <ValueMenu field={name} value={plain} table={table}>
        {typeof plain === "number" ? formatOf(name)(plain) : undefined}
      </ValueMenu>
    );
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The way from an event to its trace, where it is chosen. */
export function TraceLink({ columns, row, short = false }: { columns: Column[]; row: unknown[]; short?: boolean }) {
  const at = (name: string) => row[columns.findIndex((column) => column.name === name)];
  const [trace, span] = [at("trace_id"), at("span_id")];
  if (typeof trace !== "string" || trace === "") return <span className="quiet">–</span>;
  return (
    <Link
      to={paths.trace}
      params={{ id: trace }}
      search={{ span: typeof span === "string" ? span : undefined }}
      className="mono"
      title={trace}
    >
      {short ? trace.slice(0, 8) : trace}
    </Link>
  );
}
