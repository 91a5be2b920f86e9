// How the store fares.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../api/client";
import type { TableSize } from "../../api/types";
import { formatBytes, formatCount } from "../../lib/format";
import { Failed, Loading } from "../../ui/States";

export function HealthPage() {
  const tables = useQuery({
    queryKey: ["tables"],
    queryFn: ({ signal }) => getJson<TableSize[]>("api/v1/tables", {}, signal),
  });
  return (
    <div className="page">
      <h1>Health</h1>
      {tables.isPending ? <Loading what="the tables" /> : null}
      {tables.isError ? <Failed error={tables.error} /> : null}
      <table className="plain-table">
        <tbody>
          {tables.data?.map((table) => (
            <tr key={table.table}>
              <td>{table.table}</td>
              <td className="number">{formatCount(table.rows)}</td>
              <td className="number">{formatBytes(table.part_bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
