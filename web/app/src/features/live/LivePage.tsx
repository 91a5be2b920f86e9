// New events as they become visible; what is not shown is counted.
import { Button, SegmentedControl } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Problem } from "../../api/client";
import { formatCount, formatDuration, formatTime } from "../../lib/format";
import { severityOf, textOf } from "../../lib/logs/severity";
import { conditionOf } from "../../lib/search";
import { paths } from "../../paths";
import { HowToSend } from "../../ui/HowToSend";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failed, Loading } from "../../ui/States";
import { useShortcut } from "../../ui/shortcuts";
import { carried } from "../../ui/useSearch";
import { useUtc } from "../../ui/useUtc";
import { ValueMenu } from "../../ui/ValueMenu";
import { keptMost, type Row, useTail } from "./useTail";
import "./live.css";

export function LivePage() {
  const search = useSearch({ from: paths.live });
  const navigate = useNavigate({ from: paths.live });
  const table = search.table === "logs" ? "logs" : "spans";
  const [paused, setPaused] = useState(false);
  const tail = useTail(table, conditionOf(search.where), paused);
  useShortcut("pause", () => setPaused(!paused));

  // Whoever scrolls down reads: the rows stay where they are until the top is reached again.
  useEffect(() => {
    const scrolled = () => {
      if (window.scrollY > 80) setPaused(true);
    };
    window.addEventListener("scroll", scrolled, { passive: true });
    return () => window.removeEventListener("scroll", scrolled);
  }, []);
  const { came, leftOut, unread } = tail.counts;
  return (
    <div className="page">
      <div className="page-head">
        <h1>New {table} as they come</h1>
        <SegmentedControl
          aria-label="Table"
          data={["spans", "logs"]}
          value={table}
          onChange={(next) => void navigate({ search: (before) => ({ ...before, table: next }) })}
        />
        <Button variant={paused ? "filled" : "default"} onClick={() => setPaused(!paused)}>
          {paused ? `Go on (${formatCount(tail.waiting)} new)` : "Pause"}
        </Button>
        <span className="quiet small">
          {formatCount(came)} came; the newest {formatCount(keptMost)} are kept
          {leftOut ? `; ${formatCount(leftOut)} more fitted but came too fast to be given` : ""}
          {unread ? `; ${formatCount(unread)} were not looked at` : ""}
        </span>
      </div>
      {tail.error ? (
        <Failed error={tail.error instanceof Problem ? tail.error : ended(tail.error)} onRetry={tail.again} />
      ) : null}
      {tail.rows.length ? (
        <Scroll label="New events" className="panel">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Service</th>
                <th scope="col">{table === "logs" ? "Message" : "Name"}</th>
                <th scope="col">{table === "logs" ? "Severity" : "Status"}</th>
                {table === "spans" ? (
                  <th scope="col" className="number">
                    Took
                  </th>
                ) : null}
                <th scope="col">Trace</th>
              </tr>
            </thead>
            <tbody>
              {tail.rows.map((row) => (
                <LiveRow key={row.number} row={row} table={table} />
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : tail.error ? null : tail.standing ? (
        <Empty title="Waiting for the next event">
          {search.where
            ? "Only those that fit the filters above are shown."
            : "Nothing has come since this page opened."}
          <HowToSend />
        </Empty>
      ) : (
        <Loading what="new events" />
      )}
    </div>
  );
}

function ended(error: unknown): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ title: "No more events come", detail, status: 1 }, null);
}

function LiveRow({ row: { event }, table }: { row: Row; table: string }) {
  const search = carried(useSearch({ from: paths.live }));
  const [utc] = useUtc();
  const text = (name: string) => (typeof event[name] === "string" ? event[name] : undefined);
  const value = (field: string) => {
    const found = text(field);
    return found ? <ValueMenu field={field} value={found} table={table} /> : "–";
  };
  const trace = text("trace_id");
  const severity = severityOf((name) => event[name]);
  const bad = table === "logs" ? severity.level === "bad" : text("status_code") === "error";
  return (
    <tr className={bad ? "live-bad" : undefined}>
      <td className="live-time">{formatTime(text("time") ?? "0", utc).slice(11)}</td>
      <td>{value("service.name")}</td>
      <td className="live-name">{table === "logs" ? textOf((name) => event[name]) : value("name")}</td>
      <td>
        {table === "spans" ? (
          value("status_code")
        ) : severity.field ? (
          <ValueMenu field={severity.field} value={severity.text} table={table} />
        ) : (
          severity.text
        )}
      </td>
      {table === "spans" ? <td className="number">{formatDuration(Number(event.duration_ns ?? 0))}</td> : null}
      <td className="mono">
        {trace ? (
          <Link to={paths.trace} params={{ id: trace }} search={{ ...search, span: text("span_id") }}>
            {trace.slice(0, 8)}
          </Link>
        ) : (
          "–"
        )}
      </td>
    </tr>
  );
}
