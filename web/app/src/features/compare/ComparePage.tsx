// What is different about the events of a selection.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Comparison } from "../../api/types";
import { rangeOf } from "../../lib/search";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";

export function ComparePage() {
  const search = useSearch({ from: paths.compare });
  const question = { from: search.table ?? "spans", range: rangeOf(search), selection: { where: search.selection } };
  const answer = useQuery({
    queryKey: ["compare", question],
    queryFn: ({ signal }) => postJson<Comparison>("api/v1/compare", question, signal),
    enabled: search.selection !== undefined,
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>What is different</h1>
        {answer.data ? <span className="quiet">{answer.data.summary}</span> : null}
      </div>
      {search.selection === undefined ? (
        <Empty title="Nothing is selected">Click a value anywhere to compare it with the rest.</Empty>
      ) : null}
      {answer.isFetching ? <Loading what="both sides" /> : null}
      {answer.isError ? <Failed error={answer.error} onRetry={() => void answer.refetch()} /> : null}
      {answer.data ? <pre className="panel scroll small">{JSON.stringify(answer.data.fields, null, 2)}</pre> : null}
    </div>
  );
}
