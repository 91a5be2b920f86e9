// "My data isn't arriving": what the server took and refused last, in words.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getJson } from "../../api/client";
import type { Ledger } from "../../api/types";
import { formatAge, formatCount } from "../../lib/format";
import { Failed, Loading } from "../../ui/States";
import { refusalText } from "./words";

const shown = 5;

export function NotArriving() {
  const [open, setOpen] = useState(false);
  const ledger = useQuery({
    queryKey: ["ledger"],
    queryFn: ({ signal }) => getJson<Ledger>("api/v1/ledger", {}, signal),
    enabled: open,
    refetchInterval: 5_000,
  });
  return (
    <details className="not-arriving" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>My data isn’t arriving</summary>
      {open && ledger.isPending ? <Loading what="what came in" /> : null}
      {ledger.isError ? <Failed error={ledger.error} onRetry={() => void ledger.refetch()} /> : null}
      {ledger.data ? <Told ledger={ledger.data} /> : null}
    </details>
  );
}

function Told({ ledger }: { ledger: Ledger }) {
  const { received } = ledger.total;
  if (received.requests === 0 && ledger.refusals.length === 0) {
    return (
      <div>
        <p>No request has reached this server since {formatAge(ledger.since)}.</p>
        <ul>
          <li>Is the address right, and the variable set in the process that sends?</li>
          <li>Does the program end before it sends? It should flush or shut its provider down.</li>
          <li>Is a proxy or a firewall between the two? The line for curl shows whether the way is free.</li>
        </ul>
      </div>
    );
  }
  return (
    <div>
      <p>
        {formatCount(received.requests)} {received.requests === 1 ? "request" : "requests"} reached this server,{" "}
        {formatCount(ledger.total.stored.records)} events were stored
        {ledger.refusals.length ? ". Refused last:" : ", none was refused."}
      </p>
      <ul className="refusals">
        {ledger.refusals.slice(0, shown).map((refusal) => (
          <li key={`${refusal.first_time} ${refusal.reason} ${refusal.user_agent}`} className="panel">
            <div>
              <strong>{refusal.reason}</strong>{" "}
              <span className="quiet">
                {refusal.door}, {refusal.signal} · {formatAge(refusal.time)}
                {refusal.times > 1 ? ` · ${formatCount(refusal.times)} times` : ""} · sent by{" "}
                {refusal.user_agent || "a program without a name"}
              </span>
            </div>
            <div>{refusalText(refusal)}</div>
            <div className="mono quiet">{refusal.message}</div>
          </li>
        ))}
      </ul>
    </div>
  );
}
