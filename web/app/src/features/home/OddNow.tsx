// The verdict on the last hour, and what is odd in it, the worst first.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../api/client";
import type { Odd } from "../../api/types";
import { formatAge } from "../../lib/format";
import { useLive } from "../../ui/live/useLive";
import { Failed, Loading } from "../../ui/States";
import { useSearch } from "../../ui/useSearch";
import { OddCard } from "./OddCard";
import { refreshEvery } from "./questions";
import { verdictOf } from "./words";

/** What is odd, as the server says it now. */
export function useOdd() {
  const { isOn } = useLive();
  return useQuery({
    queryKey: ["odd"],
    queryFn: ({ signal }) => getJson<Odd>("api/v1/odd", {}, signal),
    refetchInterval: isOn ? refreshEvery : false,
  });
}

export function OddNow() {
  const odd = useOdd();
  const { where } = useSearch();
  if (odd.isPending) return <Loading what="what is odd" />;
  if (!odd.data) return <Failed error={odd.error} onRetry={() => void odd.refetch()} />;
  const { verdict, tests, findings, found, start, end } = odd.data;
  const { lead, detail } = verdictOf(odd.data);
  return (
    <section aria-labelledby="odd-lead">
      <div className="odd-verdict" role="status">
        <span
          className={`odd-mark odd-mark-${verdict === "typical" && tests === 0 ? "early" : verdict}`}
          aria-hidden="true"
        />
        <div>
          <h1 id="odd-lead">{lead}</h1>
          <p className="quiet">
            {detail} {odd.isError ? `Looked ${formatAge(end)}; the server does not answer just now.` : null}
          </p>
          {where?.length ? (
            <p className="quiet small">All events are looked at: the filters above narrow only what is below.</p>
          ) : null}
        </div>
      </div>
      {findings.length ? (
        <ol className="odd-list">
          {findings.map((finding) => (
            <OddCard
              key={`${finding["service.name"]} ${finding.flow} ${finding.measure}`}
              finding={finding}
              start={start}
              end={end}
            />
          ))}
        </ol>
      ) : null}
      {found > findings.length ? (
        <p className="quiet small">
          The worst {findings.length} of {found}.
        </p>
      ) : null}
    </section>
  );
}
