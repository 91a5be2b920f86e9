// A place as it is drawn: icon and name, calls, failures and time; and the mark of what changed.
import { IconBox, IconBrowser, IconBuildingStore, IconDatabase, IconServer, IconStack2 } from "@tabler/icons-react";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import type { NodeKind } from "../../../api/types";
import { formatDuration, formatPercent } from "../../../lib/format";
import type { Place } from "../graph";
import { errorLevel, errorShare, kindWords, markOf, rateWords } from "../words";

export const kindIcons: Record<NodeKind, typeof IconBox> = {
  service: IconBox,
  browser: IconBrowser,
  store: IconDatabase,
  queue: IconStack2,
  vendor: IconBuildingStore,
  host: IconServer,
};

export type PlaceData = { place: Place; chosen: boolean };
export type DrawnPlace = Node<PlaceData, "place">;

export const markNames = { "+": "appeared", "-": "vanished", "~": "changed" };

export function PlaceNode({ data: { place, chosen } }: NodeProps<DrawnPlace>) {
  const Icon = kindIcons[place.kind];
  const mark = markOf(place.changed);
  const share = errorShare(place);
  const classes = ["map-place", `map-kind-${place.kind}`];
  if (chosen) classes.push("map-chosen");
  if (mark) classes.push(`map-${markNames[mark]}`);
  return (
    <div className={classes.join(" ")}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className="map-place-name">
        <Icon size={15} stroke={1.6} aria-hidden="true" />
        <span title={`${kindWords[place.kind]} ${place.name}`}>{place.name}</span>{" "}
        {mark ? <b className="map-mark">{markNames[mark]}</b> : null}
      </div>{" "}
      <div className="map-place-figures">
        <span>{rateWords(place.rate)}</span>{" "}
        <span className={`map-errors-${errorLevel(place)}`}>
          {share ? `${formatPercent(share)} failed` : share === 0 ? "none failed" : ""}
        </span>{" "}
        <span title="95 of 100 take at most">{place.p95_ns == null ? "" : `p95 ${formatDuration(place.p95_ns)}`}</span>
      </div>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}
