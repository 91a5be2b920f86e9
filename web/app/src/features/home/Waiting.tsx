// Waits for the first event, and says who sent it when it is there.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Answer, TableSize } from "../../api/types";
import { formatAge } from "../../lib/format";
import { paths } from "../../paths";
import { column } from "./questions";

/** The signals, the most telling first. */
const order = ["spans", "logs", "metrics", "changes"];
const names: Record<string, string> = { spans: "span", logs: "log record", metrics: "metric", changes: "change" };

export function Waiting({ tables, onDone }: { tables: TableSize[]; onDone: () => void }) {
  const table = order.find((name) => tables.some((one) => one.table === name && one.rows > 0));
  const newest = useQuery({
    queryKey: ["first-event", table],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", { from: table, limit: 1 }, signal),
    enabled: table !== undefined,
  });
  if (!table) {
    return (
      <div className="waiting" role="status">
        <span className="waiting-mark" aria-hidden="true" />
        Waiting for the first event
      </div>
    );
  }
  const first = (name: string) => {
    const value = newest.data ? column(newest.data, name)[0] : null;
    return typeof value === "string" && value !== "" ? value : null;
  };
  const [service, trace, received] = [first("service.name"), first("trace_id"), first("received_at")];
  const name = first("name");
  return (
    <div className="waiting waiting-arrived" role="status">
      <span className="waiting-mark" aria-hidden="true" />
      <span className="waiting-text">
        The first {names[table]} is here
        {service ? (
          <>
            , from <strong>{service}</strong>
          </>
        ) : null}
        {name ? `: ${name}` : ""}
        {received ? <span className="quiet"> · {formatAge(received)}</span> : null}
      </span>
      {trace ? (
        <Button renderRoot={(given) => <Link {...given} to={paths.trace} params={{ id: trace }} />}>
          Open its trace
        </Button>
      ) : null}
      <Button variant="default" onClick={onDone}>
        See what is odd now
      </Button>
    </div>
  );
}
