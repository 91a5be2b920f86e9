// Beside "there is nothing here": where the whole store is empty, the way to the instructions.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { getJson } from "../api/client";
import type { TableSize } from "../api/types";
import { paths } from "../paths";

export function HowToSend() {
  const tables = useQuery({
    queryKey: ["tables"],
    queryFn: ({ signal }) => getJson<TableSize[]>("api/v1/tables", {}, signal),
  });
  if (!tables.data?.every((table) => table.rows === 0)) return null;
  return (
    <p>
      Nothing was sent to this server yet. <Link to={paths.home}>How to send the first event</Link>
    </p>
  );
}
