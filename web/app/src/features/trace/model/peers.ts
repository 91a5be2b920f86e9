// Other traces of the same operation, and which of them are worth comparing with.
import { queryOptions } from "@tanstack/react-query";
import { postJson } from "../../../api/client";
import type { Answer, QueryRequest } from "../../../api/types";
import { conditionOf } from "../../../lib/search";
import { iso } from "../../../lib/time";
import type { TraceModel } from "./build";

export type Peer = { id: string; at: bigint; duration: number; failed: boolean };
/** A peer with what is particular about it. */
export type ChosenPeer = Peer & { why: string };

const reach = 60 * 60_000;
/** So many on each side of the trace, the nearest ones. */
const askedMax = 500;

/** Traces with the same first operation, within an hour before and after. */
export function peersQuery(trace: TraceModel) {
  const main = trace.nodes[trace.main];
  const at = Number(trace.origin / 1_000_000n);
  const question = (start: number, end: number, order: string): QueryRequest => ({
    from: "spans",
    range: { start: iso(start), end: iso(end) },
    where: conditionOf([
      { field: "service.name", operator: "=", value: main?.service ?? "" },
      { field: "name", operator: "=", value: main?.name ?? "" },
      { field: "kind", operator: "=", value: main?.kind ?? "" },
    ]),
    group_by: ["trace_id"],
    // Of the statuses, `error` is the first by the alphabet.
    calculate: ["max(duration_ns)", "min(time)", "min(status_code)"],
    order_by: [order],
    limit: askedMax,
  });
  const sides = [question(at - reach, at, "-min(time)"), question(at, at + reach, "min(time)")];
  return queryOptions({
    queryKey: ["trace", trace.id, "peers"],
    queryFn: ({ signal }) => Promise.all(sides.map((side) => postJson<Answer>("api/v1/query", side, signal))),
    select: (answers) => answers.flatMap((answer) => readPeers(answer, trace.id)),
    enabled: main !== undefined,
  });
}

function readPeers(answer: Answer, self: string): Peer[] {
  const peers: Peer[] = [];
  for (const [id, duration, time, status] of answer.rows) {
    if (typeof id !== "string" || id === self || typeof duration !== "number") continue;
    peers.push({ id, duration, at: BigInt(String(time)), failed: status === "error" });
  }
  return peers;
}

/** At most one for each reason: the one before and after, a typical one, the fastest, the slowest, one that failed. */
export function choosePeers(peers: Peer[], trace: TraceModel): ChosenPeer[] {
  const [only] = peers;
  if (only && peers.length === 1)
    return [{ ...only, why: only.at < trace.origin ? "the one before" : "the one after" }];
  const good = peers.filter((peer) => !peer.failed);
  const byDuration = (good.length ? good : peers).toSorted((left, right) => left.duration - right.duration);
  const byTime = peers.toSorted((left, right) => (left.at < right.at ? -1 : 1));
  const reasons: [string, Peer | undefined][] = [
    ["typical", byDuration[Math.floor(byDuration.length / 2)]],
    ["the one before", byTime.findLast((peer) => peer.at < trace.origin)],
    ["the one after", byTime.find((peer) => peer.at >= trace.origin)],
    ["the fastest", byDuration[0]],
    ["the slowest", byDuration.at(-1)],
    ["the newest that failed", byTime.findLast((peer) => peer.failed)],
  ];
  const chosen = new Map<string, ChosenPeer>();
  for (const [why, peer] of reasons) {
    if (!peer) continue;
    const known = chosen.get(peer.id);
    chosen.set(peer.id, { ...peer, why: known ? `${known.why}, ${why}` : why });
  }
  return [...chosen.values()];
}
