// What needs all attributes of the trace: it asks for them, and says so until they are here.
import { type ReactNode, useEffect } from "react";
import { Failed, Loading } from "../../ui/States";
import type { Whole } from "./useTrace";

type Properties = { whole: Whole; what: string; children: ReactNode };

export function WholeTrace({ whole, what, children }: Properties) {
  const { state, want } = whole;
  useEffect(() => {
    if (state === "not asked") want();
  }, [state, want]);
  if (state === "here") return children;
  return state === "failed" ? <Failed error={whole.error} onRetry={want} /> : <Loading what={what} />;
}
