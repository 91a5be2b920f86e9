// A call as it is drawn: a line as wide as it is busy and as red as it fails; its figures when it is pointed at.
import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import type { Call } from "../graph";
import { errorLevel, figureWords, markOf } from "../words";
import { lineThrough, middleOf, type Point } from "./layout";

export type CallData = { call: Call; points: Point[]; width: number; told: boolean; chosen: boolean };
export type DrawnCall = Edge<CallData, "call">;

export function CallEdge({ id, data, markerEnd }: EdgeProps<DrawnCall>) {
  if (!data) return null;
  const { call, points, width, told, chosen } = data;
  const middle = middleOf(points);
  const mark = markOf(call.changed);
  const classes = ["map-call", `map-call-${errorLevel(call)}`];
  if (told || chosen) classes.push("map-call-told");
  if (mark === "+") classes.push("map-call-appeared");
  if (mark === "-") classes.push("map-call-vanished");
  return (
    <>
      <BaseEdge
        id={id}
        path={lineThrough(points)}
        interactionWidth={18}
        className={classes.join(" ")}
        style={{ strokeWidth: width }}
        {...(markerEnd ? { markerEnd } : {})}
      />
      {told ? (
        <EdgeLabelRenderer>
          <div
            className="map-call-label"
            style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y - 20}px)` }}
          >
            {figureWords(call)}
          </div>
        </EdgeLabelRenderer>
      ) : null}
      {mark === "~" ? <circle cx={middle.x} cy={middle.y} r={4} className="map-call-dot" /> : null}
    </>
  );
}
