// This trace beside another one: each operation with its counts and own times in both.
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { outlineQuery } from "../../../api/trace";
import type { TraceOutline } from "../../../api/types";
import { formatCount, formatDuration } from "../../../lib/format";
import { paths } from "../../../paths";
import { Failed, Loading } from "../../../ui/States";
import { buildTrace, type TraceModel } from "../model/build";
import { readTraceId } from "../model/id";
import { shapeOfOutline } from "../model/shape";
import { compareTraces } from "../model/statistics";
import { Peers } from "./Peers";

type Properties = { trace: TraceModel; against: string | undefined; onAgainst: (id: string | undefined) => void };

const shownMax = 500;

export function CompareTab({ trace, against, onAgainst }: Properties) {
  const [text, setText] = useState(against ?? "");
  const id = readTraceId(text);
  const other = useQuery(outlineQuery(against));
  return (
    <>
      <form
        className="trace-tools"
        onSubmit={(event) => {
          event.preventDefault();
          if (id) onAgainst(id);
        }}
      >
        <TextInput
          label="The other trace"
          placeholder="Its id or traceparent"
          className="trace-other"
          value={text}
          error={text.trim() && !id ? "Not a trace id: 32 hex digits" : null}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" disabled={!id}>
          Compare
        </Button>
      </form>
      <Peers
        trace={trace}
        against={against}
        onAgainst={(peer) => {
          setText(peer);
          onAgainst(peer);
        }}
      />
      {against && other.isPending ? <Loading what="the other trace" /> : null}
      {other.isError ? <Failed error={other.error} onRetry={() => void other.refetch()} /> : null}
      {other.data ? <Differences here={trace} raw={other.data} /> : null}
      {against ? null : (
        <p className="quiet">
          Choose one, or paste the id of any trace, to see which operations took longer, and which came more often.
        </p>
      )}
    </>
  );
}

function Differences({ here, raw }: { here: TraceModel; raw: TraceOutline }) {
  const there = useMemo(() => buildTrace(shapeOfOutline(raw)), [raw]);
  const rows = useMemo(() => compareTraces(here, there), [here, there]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="panel trace-fill" tabIndex={0} aria-label="Differences">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Service, name and kind</th>
            <th scope="col" className="number">
              Spans here
            </th>
            <th scope="col" className="number">
              There
            </th>
            <th scope="col" className="number">
              Own time here
            </th>
            <th scope="col" className="number">
              There
            </th>
            <th scope="col" className="number">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              The whole trace;{" "}
              <Link to={paths.trace} params={{ id: there.id }} search={{}}>
                open the other
              </Link>
            </td>
            <td className="number">{formatCount(here.nodes.length)}</td>
            <td className="number">{formatCount(there.nodes.length)}</td>
            <td className="number">{formatDuration(here.duration)}</td>
            <td className="number">{formatDuration(there.duration)}</td>
            <td className="number">{signed(there.duration - here.duration)}</td>
          </tr>
          {rows.slice(0, shownMax).map((row) => (
            <tr key={row.key}>
              <td>{row.key}</td>
              <td className="number">{formatCount(row.here?.count)}</td>
              <td className="number">{formatCount(row.there?.count)}</td>
              <td className="number">{formatDuration(row.here?.self)}</td>
              <td className="number">{formatDuration(row.there?.self)}</td>
              <td className="number">{signed(row.self)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shownMax ? <p className="quiet small">The {shownMax} largest differences are shown.</p> : null}
    </section>
  );
}

function signed(nanoseconds: number): string {
  return nanoseconds > 0 ? `+${formatDuration(nanoseconds)}` : formatDuration(nanoseconds);
}
