// The map drawn: places in the order of their calls. Arrow keys go from place to place, Enter chooses.
import {
  Background,
  Controls,
  type EdgeTypes,
  MarkerType,
  type NodeTypes,
  ReactFlow,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type FocusEvent, type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { Loading } from "../../../ui/States";
import type { Part } from "../graph";
import { callName, figureWords, kindWords, markOf, whatChanged } from "../words";
import { CallEdge, type DrawnCall } from "./CallEdge";
import { type Direction, placeHeight, placeTowards, placeWidth } from "./layout";
import { type DrawnPlace, markNames, PlaceNode } from "./PlaceNode";
import { usePositions } from "./usePositions";
import "@xyflow/react/dist/base.css";
import "./drawing.css";

const nodeTypes: NodeTypes = { place: PlaceNode };
const edgeTypes: EdgeTypes = { call: CallEdge };
const fit = { padding: 0.06, maxZoom: 1.15, duration: 0 };
const arrows: readonly string[] = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** The drawn thing that an event is about. */
function drawnAt(target: EventTarget): { id: string; isPlace: boolean } | undefined {
  const found = (target as Element).closest<HTMLElement>(".react-flow__node, .react-flow__edge");
  const id = found?.getAttribute("data-id");
  return found && id ? { id, isPlace: found.classList.contains("react-flow__node") } : undefined;
}

/** With another width, as when the panel opens, the whole is shown again. */
function WholeAtAnyWidth() {
  const { fitView } = useReactFlow();
  // As the drawing knows it: it learns of a change later than who watches the element.
  const width = useStore((drawing) => drawing.width);
  useEffect(() => {
    if (width) void fitView(fit);
  }, [width, fitView]);
  return null;
}

type Properties = { part: Part; chosen: string | undefined; onChoose: (id: string) => void };

export function MapDrawing({ part, chosen, onChoose }: Properties) {
  const frame = useRef<HTMLDivElement>(null);
  const [told, tell] = useState<string>();
  const positions = usePositions(part);
  const nodes = useMemo(
    () =>
      part.places.map((place): DrawnPlace => {
        const change = whatChanged(place);
        const mark = markOf(place.changed);
        // It says what is seen, in the same order, and then more.
        const named = `${kindWords[place.kind]} ${place.name}${mark ? ` ${markNames[mark]}` : ""}`;
        return {
          id: place.id,
          type: "place",
          position: positions?.places.get(place.id) ?? { x: 0, y: 0 },
          width: placeWidth,
          height: placeHeight,
          data: { place, chosen: place.id === chosen },
          ariaLabel: `${named}: ${figureWords(place)}${change ? `; ${change}` : ""}`,
          ariaRole: "button",
        };
      }),
    [part, positions, chosen],
  );
  const edges = useMemo(() => {
    const most = Math.max(1e-9, ...part.calls.map((call) => call.calls));
    return part.calls.map((call): DrawnCall => {
      const width = 1.25 + 4.75 * Math.sqrt(call.calls / most);
      return {
        id: call.id,
        type: "call",
        source: call.from,
        target: call.to,
        markerEnd: {
          type: MarkerType.ArrowClosed,
          color: "var(--text-quiet)",
          width: 14,
          height: 14,
          markerUnits: "userSpaceOnUse",
        },
        data: {
          call,
          points: positions?.calls.get(call.id) ?? [],
          width,
          told: call.id === told,
          chosen: call.id === chosen,
        },
        ariaLabel: `${callName(part, call)}: ${figureWords(call)}`,
        ariaRole: "button",
      };
    });
  }, [part, positions, chosen, told]);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = drawnAt(event.target);
    if (!at) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onChoose(at.id);
    } else if (at.isPlace && arrows.includes(event.key)) {
      event.preventDefault();
      const next = positions && placeTowards(positions.places, at.id, event.key as Direction);
      if (next) frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(next)}"]`)?.focus();
    }
  };
  const onFocus = (event: FocusEvent) => {
    const at = drawnAt(event.target);
    tell(at && !at.isPlace ? at.id : undefined);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the places and calls within, which are buttons
    <div
      ref={frame}
      className="map-drawing panel"
      onKeyDown={onKeyDown}
      onFocus={onFocus}
      onBlur={() => tell(undefined)}
    >
      {positions ? (
        <ReactFlow
          // Another set of places is another picture, seen as a whole.
          key={part.places.map(({ id }) => id).join()}
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          fitView
          fitViewOptions={fit}
          minZoom={0.15}
          maxZoom={2}
          nodesDraggable={false}
          nodesConnectable={false}
          elementsSelectable={false}
          nodesFocusable
          edgesFocusable
          zoomOnDoubleClick={false}
          preventScrolling={false}
          zoomOnScroll={false}
          onNodeClick={(_, node) => onChoose(node.id)}
          onEdgeClick={(_, edge) => onChoose(edge.id)}
          onEdgeMouseEnter={(_, edge) => tell(edge.id)}
          onEdgeMouseLeave={() => tell(undefined)}
        >
          <WholeAtAnyWidth />
          <Background gap={24} size={1} color="var(--line)" />
          <Controls showInteractive={false} position="bottom-right" />
        </ReactFlow>
      ) : (
        <div className="map-waiting">
          <Loading what={`the calls of ${part.places.length} places`} />
        </div>
      )}
    </div>
  );
}
