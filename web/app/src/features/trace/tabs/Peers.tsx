// Traces that this one can be compared with: of the same operation, around the same time.
import { useQuery } from "@tanstack/react-query";
import { formatCount, formatDuration, formatTime } from "../../../lib/format";
import { Failed, Loading } from "../../../ui/States";
import type { TraceModel } from "../model/build";
import { choosePeers, peersQuery } from "../model/peers";

type Properties = { trace: TraceModel; against: string | undefined; onAgainst: (id: string) => void };

export function Peers({ trace, against, onAgainst }: Properties) {
  const peers = useQuery(peersQuery(trace));
  const main = trace.nodes[trace.main];
  if (!main) return null;
  if (peers.isError) return <Failed error={peers.error} onRetry={() => void peers.refetch()} />;
  if (!peers.data) return <Loading what="others like it" />;
  const chosen = choosePeers(peers.data, trace);
  if (!chosen.length)
    return (
      <p className="quiet">
        No other trace of “{main.name}” is here within an hour of this one. Any trace can be compared by its id.
      </p>
    );
  return (
    <>
      <p className="quiet small peers-said">
        {peers.data.length === 1
          ? `One other trace of “${main.name}” is within an hour of this one:`
          : `Of ${formatCount(peers.data.length)} other traces of “${main.name}”, the nearest within an hour:`}
      </p>
      <ul className="peers" aria-label="Others of this operation">
        {chosen.map((peer) => (
          <li key={peer.id}>
            <button type="button" aria-pressed={peer.id === against} onClick={() => onAgainst(peer.id)}>
              <span className="peers-why">{peer.why}</span>
              <span className="peers-duration">{formatDuration(peer.duration)}</span>
              {peer.failed ? <span className="trace-bad">error</span> : null}
              <span className="quiet">{formatTime(peer.at)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
