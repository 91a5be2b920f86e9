// How much there is, and how fresh.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Answer, TableSize } from "../../api/types";
import { formatAge, formatBytes, formatCount } from "../../lib/format";
import { paths } from "../../paths";
import { carried, useSearch } from "../../ui/useSearch";
import { refreshEvery } from "./questions";

export function Stored({ tables }: { tables: TableSize[] }) {
  const search = carried(useSearch());
  const newest = useQuery({
    queryKey: ["newest", tables.find((table) => table.rows > 0)?.table],
    queryFn: ({ signal }) =>
      postJson<Answer>(
        "api/v1/query",
        // One step of a minute: the footer says when the newest event came, whatever the range.
        { from: tables.find((table) => table.rows > 0)?.table ?? "spans", range: { last: "1m" }, calculate: ["count"] },
        signal,
      ),
    refetchInterval: refreshEvery,
  });
  const bytes = tables.reduce((sum, table) => sum + table.part_bytes, 0);
  const came = newest.data?.footer.newest_received_at;
  return (
    <p className="home-section home-stored quiet small">
      Stored:{" "}
      {tables
        .filter((table) => table.rows > 0)
        .map((table) => countedRows(table))
        .join(", ")}{" "}
      {bytes > 0 ? `in ${formatBytes(bytes)}` : "in memory"}
      {came ? ` · the newest came ${formatAge(came)}` : ""} ·{" "}
      <Link to={paths.health} search={search}>
        health
      </Link>
    </p>
  );
}

/** `1 span`, `12,809 log records`. */
function countedRows({ table, rows }: TableSize): string {
  const name = table === "logs" ? "log records" : table === "metrics" ? "metric points" : table;
  return `${formatCount(rows)} ${rows === 1 ? name.replace(/s$/, "") : name}`;
}
