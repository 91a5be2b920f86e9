// The newest events of the time and filters chosen.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Answer } from "../../api/types";
import { conditionOf, rangeOf } from "../../lib/search";
import { paths } from "../../paths";
import { AnswerTable } from "../../ui/AnswerTable";
import { Failed, Loading } from "../../ui/States";

export function ExplorePage() {
  const search = useSearch({ from: paths.explore });
  const table = search.table ?? "spans";
  const question = {
    from: table,
    range: rangeOf(search),
    where: conditionOf(search.where),
    group_by: search.group ?? ["service.name", "name"],
    calculate: search.calculate ?? ["count", "p99(duration_ns)"],
    limit: 50,
  };
  const answer = useQuery({
    queryKey: ["query", question],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", question, signal),
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Explore {table}</h1>
      </div>
      {answer.isPending ? <Loading /> : null}
      {answer.isError ? <Failed error={answer.error} onRetry={() => void answer.refetch()} /> : null}
      {answer.data ? <AnswerTable answer={answer.data} table={table} /> : null}
    </div>
  );
}
