// What talks to what, as a list.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { getJson } from "../../api/client";
import type { ApiMap } from "../../api/types";
import { conditionOf, rangeOf } from "../../lib/search";
import { paths } from "../../paths";
import { Failed, Loading } from "../../ui/States";

export function MapPage() {
  const search = useSearch({ from: paths.map });
  const asked = { ...rangeOf(search), where: conditionOf(search.where), compare_before: search.before };
  const map = useQuery({
    queryKey: ["map", asked],
    queryFn: ({ signal }) => getJson<ApiMap>("api/v1/map", asked, signal),
  });
  return (
    <div className="page">
      <div className="page-head">
        <h1>What talks to what</h1>
      </div>
      {map.isPending ? <Loading what="the map" /> : null}
      {map.isError ? <Failed error={map.error} onRetry={() => void map.refetch()} /> : null}
      {map.data ? <pre className="panel scroll small">{JSON.stringify(map.data, null, 2)}</pre> : null}
    </div>
  );
}
