// What is odd now, in a list.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../api/client";
import type { Odd } from "../../api/types";
import { Failed, Loading } from "../../ui/States";

export function HomePage() {
  const odd = useQuery({ queryKey: ["odd"], queryFn: ({ signal }) => getJson<Odd>("api/v1/odd", {}, signal) });
  return (
    <div className="page">
      <div className="page-head">
        <h1>What is odd now</h1>
      </div>
      {odd.isPending ? <Loading what="what is odd" /> : null}
      {odd.isError ? <Failed error={odd.error} onRetry={() => void odd.refetch()} /> : null}
      {odd.data ? <pre className="panel scroll small">{JSON.stringify(odd.data, null, 2)}</pre> : null}
    </div>
  );
}
