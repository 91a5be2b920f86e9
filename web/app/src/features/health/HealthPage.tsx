// How the store fares: whether it takes requests, what became of all that was sent, and how much it holds.
import { useQuery } from "@tanstack/react-query";
import { ask, getJson, Problem } from "../../api/client";
import type { Ledger, TableSize } from "../../api/types";
import { formatBytes, formatCount, formatTime } from "../../lib/format";
import { Loading, Unanswered } from "../../ui/States";
import { useSearch } from "../../ui/useSearch";
import { useUtc } from "../../ui/useUtc";
import { LedgerTable, Refusals } from "./LedgerTable";
import "./health.css";
import { Scroll } from "../../ui/Scroll";

const often = { refetchInterval: 10_000 };

export function HealthPage() {
  const [utc] = useUtc();
  const { where } = useSearch();
  const ready = useQuery({
    queryKey: ["readyz"],
    queryFn: async ({ signal }) => (await ask("readyz", { signal })).text(),
    ...often,
  });
  const ledger = useQuery({
    queryKey: ["ledger"],
    queryFn: ({ signal }) => getJson<Ledger>("api/v1/ledger", {}, signal),
    ...often,
  });
  const tables = useQuery({
    queryKey: ["tables"],
    queryFn: ({ signal }) => getJson<TableSize[]>("api/v1/tables", {}, signal),
    ...often,
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>How the store fares</h1>
        {ready.isSuccess ? <span className="health-good">Requests are stored</span> : null}
        {ready.isError ? (
          <span className="health-bad" role="alert">
            {ready.error instanceof Problem && ready.error.status ? "Requests are not stored now" : "Out of reach"}
          </span>
        ) : null}
      </div>

      {where?.length ? (
        <p className="quiet small">This is about the whole store: the filters of other pages do not narrow it.</p>
      ) : null}
      <h2>What became of everything that was sent</h2>
      {ledger.isPending ? <Loading what="the ledger" /> : null}
      {ledger.isError ? <Unanswered query={ledger} /> : null}
      {ledger.data ? (
        <>
          <p className="quiet small">
            In records, since {formatTime(ledger.data.since, utc)}. Stored, repeated, sampled out and refused add up to
            what was received; what was told to come again is apart.
          </p>
          <LedgerTable ledger={ledger.data} />
          <h2>What was refused</h2>
          <Refusals ledger={ledger.data} />
        </>
      ) : null}

      <h2>What is held</h2>
      {tables.isPending ? <Loading what="the tables" /> : null}
      {tables.isError ? <Unanswered query={tables} /> : null}
      {tables.data ? (
        <Scroll label="Tables" className="panel">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Table</th>
                {["Rows", "In memory", "Attributes", "Parts", "Size of the parts"].map((name) => (
                  <th key={name} scope="col" className="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {tables.data.map((table) => (
                <tr key={table.table}>
                  <td>{table.table}</td>
                  <td className="number">{formatCount(table.rows)}</td>
                  <td className="number">{formatCount(table.rows_in_memory)}</td>
                  <td className="number">{formatCount(table.attributes)}</td>
                  <td className="number">{formatCount(table.parts)}</td>
                  <td className="number">{formatBytes(table.part_bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </div>
  );
}
