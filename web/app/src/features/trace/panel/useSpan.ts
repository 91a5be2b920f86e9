// A span with its attributes: from the whole trace where that is here, else asked for alone.
import { useQueries, useQuery } from "@tanstack/react-query";
import { spanQuery } from "../../../api/trace";
import type { LogRecord, Span, Trace } from "../../../api/types";
import type { SpanNode, TraceModel } from "../model/build";

/** Of an answer the span that the node is: client and server may share an id. */
function spanIn(answer: Trace | undefined, node: SpanNode): Span | null {
  const spans = answer?.spans ?? [];
  return spans.find((one) => one.kind === node.kind && one.name === node.name) ?? spans[0] ?? null;
}

type Known = { span: Span | null; logs: LogRecord[]; error: unknown; retry: () => void };

export function useSpan(trace: TraceModel, node: SpanNode): Known {
  const answer = useQuery({ ...spanQuery(trace.id, node.id), enabled: node.span === null });
  const here = node.logs.map((place) => trace.logs[place]?.record ?? null).filter((record) => record !== null);
  return {
    span: node.span ?? spanIn(answer.data, node),
    logs: node.span ? here : (answer.data?.logs ?? []),
    error: answer.error,
    retry: () => void answer.refetch(),
  };
}

const entries = new Set(["server", "consumer"]);

/** The spans above, the nearest first: all of them, or of an outline the request that this is part of and the first. */
export function useAbove(trace: TraceModel, node: SpanNode): Span[] {
  const above: SpanNode[] = [];
  for (let at = trace.nodes[node.parent]; at; at = trace.nodes[at.parent]) above.push(at);
  const entry = above.find((one) => entries.has(one.kind));
  const asked = trace.whole ? [] : [...new Set([entry, above.at(-1)])].filter((one) => one !== undefined);
  const answers = useQueries({ queries: asked.map((one) => spanQuery(trace.id, one.id)) });
  const spans = trace.whole
    ? above.map((one) => one.span)
    : asked.map((one, place) => spanIn(answers[place]?.data, one));
  return spans.filter((span) => span !== null);
}
