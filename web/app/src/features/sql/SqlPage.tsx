// Answers a SELECT: editor, rows, and the whole answer as a file.
import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { ask, Problem, postJson } from "../../api/client";
import { useFields } from "../../api/fields";
import type { Answer } from "../../api/types";
import { formatBytes, formatCount, formatDuration } from "../../lib/format";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";
import { useShortcut } from "../../ui/shortcuts";
import { AnswerTable } from "../../ui/table/AnswerTable";
import "./sql.css";

const Editor = lazy(() => import("./Editor"));

const shownMost = 1000;
const example = `SELECT service.name, name, count(*) AS spans, max(duration_ns) AS slowest_ns
FROM spans
WHERE time > now() - INTERVAL '1 hour'
GROUP BY service.name, name
ORDER BY spans DESC
LIMIT 50`;

const formats = [
  ["csv", "CSV"],
  ["json", "JSON"],
  ["ndjson", "NDJSON"],
  ["parquet", "Parquet"],
  ["arrow", "Arrow"],
] as const;

export function SqlPage() {
  const { statement, where } = useSearch({ from: paths.sql });
  const navigate = useNavigate({ from: paths.sql });
  const [text, setText] = useState(statement ?? example);
  const spans = useFields("spans");
  const logs = useFields("logs");
  const tables = useMemo(
    () => ({ spans: spans.map((one) => one.name), logs: logs.map((one) => one.name), metrics: [], changes: [] }),
    [spans, logs],
  );
  // Back and forward bring the statement of that step.
  useEffect(() => {
    if (statement !== undefined) setText(statement);
  }, [statement]);

  const answer = useQuery({
    queryKey: ["sql", statement],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/sql", { sql: statement, rows_max: shownMost }, signal),
    enabled: statement !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const save = useMutation({ mutationFn: (format: string) => saveAnswer(statement ?? text, format) });

  function run() {
    if (text === statement) void answer.refetch();
    else void navigate({ search: (before) => ({ ...before, statement: text }) });
  }
  useShortcut("run", run);
  const problem = answer.error instanceof Problem && text === statement ? answer.error : null;
  const footer = answer.data?.footer;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Ask in SQL</h1>
        <span className="quiet">
          One SELECT over spans, logs, metrics and changes. Its times are those that it names
          {where?.length ? ", and the filters of other pages do not narrow it." : "."}
        </span>
      </div>
      <Suspense fallback={<Loading what="the editor" />}>
        <Editor text={text} tables={tables} problem={problem} onChange={setText} onRun={run} />
      </Suspense>
      <div className="sql-actions">
        <Button onClick={run} loading={answer.isFetching}>
          Run
        </Button>
        <Menu>
          <Menu.Target>
            <Button variant="default" disabled={!answer.data} loading={save.isPending}>
              Save as
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {formats.map(([format, name]) => (
              <Menu.Item key={format} onClick={() => save.mutate(format)}>
                {name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        {footer ? (
          <span className="quiet small" role="status">
            {formatCount(footer.rows)} rows in {formatDuration(footer.elapsed_ms * 1e6)}, from{" "}
            {formatCount(footer.rows_scanned)} rows and {formatBytes(footer.bytes_scanned)}
            {footer.sampled ? ", from a sample" : ""}
            {footer.damaged_parts ? `, without ${footer.damaged_parts} damaged parts` : ""}
            {footer.cut ? `. There are more: the first ${formatCount(footer.rows)} are shown.` : ""}
          </span>
        ) : null}
      </div>
      {save.isError ? <Failed error={save.error} /> : null}
      {answer.isLoading ? <Loading /> : null}
      {answer.isError ? (
        <Failed error={answer.error} onRetry={() => void answer.refetch()} />
      ) : answer.data?.rows.length === 0 ? (
        <Empty title="No rows">Nothing that is stored fulfils the statement.</Empty>
      ) : answer.data ? (
        <AnswerTable answer={answer.data} />
      ) : null}
    </div>
  );
}

/** Asks again without the limit of the page, and saves what comes as a file. */
async function saveAnswer(sql: string, format: string): Promise<void> {
  const response = await ask(`api/v1/sql?format=${format}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sql }),
  });
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = `crawlspace.${format}`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
