// Answers a SELECT.
import { Button, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { postJson } from "../../api/client";
import type { Answer } from "../../api/types";
import { paths } from "../../paths";
import { AnswerTable } from "../../ui/AnswerTable";
import { Failed, Loading } from "../../ui/States";

export function SqlPage() {
  const { statement } = useSearch({ from: paths.sql });
  const navigate = useNavigate({ from: paths.sql });
  const [text, setText] = useState(statement ?? "SELECT service.name, count(*) FROM spans GROUP BY 1 ORDER BY 2 DESC");
  const answer = useQuery({
    queryKey: ["sql", statement],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/sql", { sql: statement, rows_max: 1000 }, signal),
    enabled: statement !== undefined,
  });
  return (
    <div className="page">
      <h1>SQL</h1>
      <Textarea aria-label="Statement" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      <Button onClick={() => void navigate({ search: (before) => ({ ...before, statement: text }) })}>Run</Button>
      {answer.isFetching ? <Loading /> : null}
      {answer.isError ? <Failed error={answer.error} /> : null}
      {answer.data ? <AnswerTable answer={answer.data} /> : null}
    </div>
  );
}
