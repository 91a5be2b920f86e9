// The events of the last minute, asked for again every two seconds.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Answer } from "../../api/types";
import { conditionOf } from "../../lib/search";
import { paths } from "../../paths";
import { AnswerTable } from "../../ui/AnswerTable";
import { Failed, Loading } from "../../ui/States";

export function LivePage() {
  const search = useSearch({ from: paths.live });
  const question = {
    from: search.table ?? "spans",
    range: { last: "1m" },
    where: conditionOf(search.where),
    limit: 20,
  };
  const answer = useQuery({
    queryKey: ["live", question],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", question, signal),
    refetchInterval: 2000,
  });
  return (
    <div className="page">
      <h1>Live</h1>
      {answer.isPending ? <Loading /> : null}
      {answer.isError ? <Failed error={answer.error} /> : null}
      {answer.data ? <AnswerTable answer={answer.data} /> : null}
    </div>
  );
}
