// The trace of the page: drawn from its outline at once, and from the whole when that is here.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { outlineQuery, traceQuery } from "../../api/trace";
import type { Trace } from "../../api/types";
import { buildTrace } from "./model/build";
import { shapeOfOutline, shapeOfTrace } from "./model/shape";

/** Of more spans than these the whole is read only when something needs it: it is megabytes. */
const smallMax = 3_000;

/** The attributes, and the texts of log records, of all spans. */
export type Whole = {
  state: "here" | "not asked" | "loading" | "failed";
  error: unknown;
  /** Asks for it, unless it is here or on its way. */
  want: () => void;
  read: () => Promise<Trace>;
};

export function useTrace(id: string | undefined, file: Trace | null) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<string | null>(null);
  const outline = useQuery({ ...outlineQuery(id), enabled: id !== undefined && !file });
  const isSmall = outline.data !== undefined && outline.data.spans.span_id.length <= smallMax;
  const wanted = id !== undefined && !file && (isSmall || asked === id);
  const answer = useQuery({ ...traceQuery(id), enabled: wanted });
  const trace = file ?? answer.data;

  const model = useMemo(() => {
    if (trace) return buildTrace(shapeOfTrace(trace));
    return outline.data ? buildTrace(shapeOfOutline(outline.data)) : null;
  }, [trace, outline.data]);
  const { refetch, isError } = answer;
  const want = useCallback(() => {
    setAsked(id ?? null);
    if (isError) void refetch();
  }, [id, isError, refetch]);
  const read = useCallback(
    () => (file ? Promise.resolve(file) : queries.ensureQueryData(traceQuery(id))),
    [file, id, queries],
  );
  const state = trace ? "here" : isError && !answer.isFetching ? "failed" : wanted ? "loading" : "not asked";
  const whole = useMemo<Whole>(() => ({ state, error: answer.error, want, read }), [state, answer.error, want, read]);
  const again = () => {
    void outline.refetch();
    if (answer.data) void refetch();
  };
  return { model, whole, error: outline.error, pending: outline.isPending, again };
}
