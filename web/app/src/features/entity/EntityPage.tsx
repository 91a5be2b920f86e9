// Who a value is: what happened to it.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { getJson } from "../../api/client";
import type { Entity } from "../../api/types";
import { rangeOf } from "../../lib/search";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";

export function EntityPage() {
  const search = useSearch({ from: paths.entity });
  const { field, value } = search;
  const entity = useQuery({
    queryKey: ["entity", field, value, rangeOf(search)],
    queryFn: ({ signal }) => getJson<Entity>("api/v1/entity", { field, value, ...rangeOf(search) }, signal),
    enabled: value !== undefined,
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>{value === undefined ? "Who is this" : `${field ?? ""} ${value}`}</h1>
      </div>
      {value === undefined ? (
        <Empty title="Nobody is chosen">Click a value anywhere and choose “Who is this”.</Empty>
      ) : null}
      {entity.isFetching ? <Loading what="their events" /> : null}
      {entity.isError ? <Failed error={entity.error} onRetry={() => void entity.refetch()} /> : null}
      {entity.data ? <pre className="panel scroll small">{JSON.stringify(entity.data, null, 2)}</pre> : null}
    </div>
  );
}
