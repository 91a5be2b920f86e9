// The arrangement of a map, made beside the page; the same map is arranged once, whatever its figures become.
import { useEffect, useRef, useState } from "react";
import type { Plan, Positions } from "./layout";

type Arranged = { shape: string; positions: Positions };

/** Nothing until it is arranged. */
export function usePositions(plan: Plan): Positions | undefined {
  const shape = JSON.stringify([plan.places.map(({ id }) => id), plan.calls.map(({ id }) => id)]);
  const [arranged, setArranged] = useState<Arranged>();
  const latest = useRef(plan);
  latest.current = plan;
  useEffect(() => {
    const { places, calls } = latest.current;
    const asked: Plan = {
      places: places.map(({ id }) => ({ id })),
      calls: calls.map((call) => ({ id: call.id, from: call.from, to: call.to, calls: call.calls })),
    };
    let isWanted = true;
    const take = (positions: Positions) => {
      if (isWanted) setArranged({ shape, positions });
    };
    const worker = new Worker(new URL("./positions.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Positions>) => take(data);
    // Where a policy forbids workers, the page itself has to do it.
    worker.onerror = () => void import("./positions").then(({ positionsOf }) => take(positionsOf(asked)));
    worker.postMessage(asked);
    return () => {
      isWanted = false;
      worker.terminate();
    };
  }, [shape]);
  return arranged?.shape === shape ? arranged.positions : undefined;
}
