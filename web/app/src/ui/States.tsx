// What a page shows while it waits, when there is nothing, and when it was refused.
import { Button, Loader } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { keyWanted, Problem, storedKey } from "../api/client";
import { formatTime } from "../lib/format";
import { partsOf, sentence } from "../lib/sentence";
import { useUtc } from "./useUtc";
import "./states.css";

/** `what` completes "Reading …". */
export function Loading({ what = "the answer" }: { what?: string }) {
  return (
    <div className="state" role="status">
      <Loader size="xs" type="dots" color="var(--text-quiet)" />
      <span className="quiet">Reading {what}</span>
    </div>
  );
}

/** Nothing to show: what is missing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state state-text" role="status">
      <h2>{title}</h2>
      {children ? <div className="quiet">{children}</div> : null}
    </div>
  );
}

/** A question without an answer; where there was one before, that stays and is said to be of then. */
export function Unanswered({ query }: { query: UseQueryResult<unknown> }) {
  const [utc] = useUtc();
  if (query.data === undefined) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const why = query.error instanceof Problem ? query.error.detail : String(query.error);
  return (
    <p className="not-renewed small" role="alert">
      As of {formatTime(BigInt(query.dataUpdatedAt) * 1_000_000n, utc).slice(11, 19)}. {sentence(why)}
    </p>
  );
}

const advice: Record<number, string> = {
  0: "Look whether the server runs and the network is there, then ask again.",
  401: "Whoever looks after this server makes a key with “crawlspace key create”.",
  404: "It may have been dropped by retention, or the address has a slip.",
  503: "The server is busy. Asking again in some seconds usually helps.",
};

/** What the usual refusals are called; the server calls them as HTTP does. */
const titles: Record<number, string> = {
  400: "This cannot be asked",
  401: "A key is needed",
  403: "Not allowed",
  404: "Not found",
  408: "This took too long",
  429: "Too many questions at once",
  503: "The server is busy",
  504: "This took too long",
};

function adviceOn(status: number): string | undefined {
  if (status !== 403) return advice[status];
  return storedKey() ? "The key that is used here may not do this. Use another one." : "A key may be needed.";
}

/** The server tells programs how they send a key; here there is a form for it. */
function detailOf(problem: Problem): string {
  return problem.status === 401 && !storedKey() ? "This server answers only who has a key" : problem.detail;
}

/** A refusal: its text as the server gave it, what to do, and the request's number for whoever looks after the server. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = error instanceof Problem ? error : null;
  const help = problem ? adviceOn(problem.status) : undefined;
  const said = problem ? detailOf(problem) : error instanceof Error ? error.message : String(error);
  return (
    <div className="state state-text state-failed" role="alert">
      <h2>{problem ? (titles[problem.status] ?? problem.title) : "This page has a fault"}</h2>
      <div>
        {partsOf(sentence(said)).map((part, place) =>
          part.isCode ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts of one sentence have no name and are never reordered
            <code key={place}>{part.text}</code>
          ) : (
            part.text
          ),
        )}
      </div>
      {problem?.line && !/line \d/.test(problem.detail) ? (
        <div className="quiet">
          At line {problem.line}, column {problem.column ?? 1}.
        </div>
      ) : null}
      {help ? <div className="quiet">{help}</div> : null}
      {problem?.requestId ? <div className="quiet small mono">request {problem.requestId}</div> : null}
      {problem?.status === 401 || problem?.status === 403 ? (
        <Button variant="default" onClick={() => window.dispatchEvent(new Event(keyWanted))}>
          {storedKey() ? "Use another key" : "Give a key"}
        </Button>
      ) : onRetry && problem?.status !== 400 ? (
        <Button variant="default" onClick={onRetry}>
          Ask again
        </Button>
      ) : null}
    </div>
  );
}
