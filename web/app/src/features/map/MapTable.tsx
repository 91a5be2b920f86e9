// The map as two tables, of places and of calls: all of them, sorted as one likes.
import { type ReactNode, useState } from "react";
import type { Figures } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import { Scroll } from "../../ui/Scroll";
import { byOrder, type Order, SortHead } from "../../ui/table/SortHead";
import type { Call, Graph, Place } from "./graph";
import { callWords, errorLevel, errorShare, kindWords, nameOf, rateWords, whatChanged } from "./words";

/** More rows than one reads are drawn only if asked for. */
const rowsFirst = 200;

type Column<Row> = {
  name: string;
  /** What rows are sorted by. */
  key: (row: Row) => string | number;
  show: (row: Row) => ReactNode;
  isNumber?: boolean;
};

function figureColumns<Row extends Figures>(): Column<Row>[] {
  const time = (name: string, of: (row: Row) => number | null | undefined): Column<Row> => ({
    name,
    key: (row) => of(row) ?? -1,
    show: (row) => formatDuration(of(row)),
    isNumber: true,
  });
  return [
    { name: "Calls", key: (row) => row.calls, show: (row) => formatCount(row.calls), isNumber: true },
    { name: "Rate", key: (row) => row.rate ?? 0, show: (row) => rateWords(row.rate), isNumber: true },
    {
      name: "Failed",
      key: (row) => errorShare(row) ?? -1,
      show: (row) => <span className={`map-errors-${errorLevel(row)}`}>{formatPercent(errorShare(row))}</span>,
      isNumber: true,
    },
    time("p50", (row) => row.p50_ns),
    time("p95", (row) => row.p95_ns),
    time("p99", (row) => row.p99_ns),
  ];
}

type Properties = { graph: Graph; compared: boolean; chosen: string | undefined; onChoose: (id: string) => void };

export function MapTable({ graph, compared, chosen, onChoose }: Properties) {
  const choose = (id: string, text: string) => (
    <button type="button" className="map-choose" data-place={id} onClick={() => onChoose(id)}>
      {text}
    </button>
  );
  const changes = <Row extends Place | Call>(): Column<Row>[] =>
    compared ? [{ name: "Since before", key: (row) => row.changed.join(), show: whatChanged }] : [];
  const places: Column<Place>[] = [
    { name: "Place", key: (row) => row.name, show: (row) => choose(row.id, row.name) },
    {
      name: "Kind",
      key: (row) => row.kind,
      show: (row) => kindWords[row.kind] + (row.category ? `, ${row.category}` : ""),
    },
    ...figureColumns<Place>(),
    ...changes<Place>(),
  ];
  const calls: Column<Call>[] = [
    { name: "From", key: (row) => nameOf(graph, row.from), show: (row) => choose(row.id, nameOf(graph, row.from)) },
    { name: "How", key: (row) => row.kind, show: (row) => <span className="quiet">{callWords[row.kind]}</span> },
    { name: "To", key: (row) => nameOf(graph, row.to), show: (row) => nameOf(graph, row.to) },
    ...figureColumns<Call>(),
    ...changes<Call>(),
  ];
  return (
    <div className="map-tables">
      <Sortable
        title={`${formatCount(graph.places.length)} places`}
        columns={places}
        rows={graph.places}
        chosen={chosen}
      />
      <Sortable
        title={`${formatCount(graph.calls.length)} kinds of calls`}
        columns={calls}
        rows={graph.calls}
        chosen={chosen}
      />
    </div>
  );
}

type SortableProperties<Row> = { title: string; columns: Column<Row>[]; rows: Row[]; chosen: string | undefined };

function Sortable<Row extends { id: string }>({ title, columns, rows, chosen }: SortableProperties<Row>) {
  const [order, setOrder] = useState<Order<string>>({ column: "Calls", down: true });
  const [all, showAll] = useState(false);
  const key = columns.find(({ name }) => name === order.column)?.key;
  const ordered = key ? rows.toSorted((left, right) => byOrder(key(left), key(right), order.down)) : rows;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Scroll label={title} className="panel">
        <table className="plain-table">
          <thead>
            <tr>
              {columns.map(({ name, isNumber }) => (
                <SortHead key={name} column={name} title={name} number={isNumber} order={order} onOrder={setOrder} />
              ))}
            </tr>
          </thead>
          <tbody>
            {(all ? ordered : ordered.slice(0, rowsFirst)).map((row) => (
              <tr key={row.id} className={row.id === chosen ? "map-row-chosen" : undefined}>
                {columns.map((column) => (
                  <td key={column.name} className={column.isNumber ? "number" : undefined}>
                    {column.show(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length > rowsFirst && !all ? (
          <button type="button" className="map-choose map-rest" onClick={() => showAll(true)}>
            Show all {formatCount(rows.length)}
          </button>
        ) : null}
      </Scroll>
    </section>
  );
}
