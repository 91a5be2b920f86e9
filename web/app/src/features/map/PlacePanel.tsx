// What is known of the chosen place or call: its figures from both sides, and where to go from it.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Figures } from "../../api/types";
import { formatCount, formatPercent } from "../../lib/format";
import { type Chip, type Search, withChip } from "../../lib/search";
import { paths } from "../../paths";
import type { Call, Graph, Place } from "./graph";
import { FigureTable, PanelFrame } from "./PanelParts";
import {
  callName,
  callWords,
  chipsOf,
  chipsOfCall,
  errorShare,
  kindWords,
  nameOf,
  rateWords,
  whatChanged,
} from "./words";

type Shared = {
  graph: Graph;
  search: Search;
  onClose: () => void;
  onChoose: (id: string) => void;
  onFilter: (chips: Chip[]) => void;
  /** What the drawing is around now, if it is not all. */
  around: string | undefined;
  onAround: (id: string) => void;
  takesFocus: boolean;
};

export function PlacePanel({ chosen, ...shared }: Shared & { chosen: string }) {
  const place = shared.graph.places.find(({ id }) => id === chosen);
  if (place) return <OfPlace key={chosen} place={place} {...shared} />;
  const call = shared.graph.calls.find(({ id }) => id === chosen);
  return call ? <OfCall key={chosen} call={call} {...shared} /> : null;
}

function OfPlace({
  place,
  graph,
  search,
  onClose,
  onChoose,
  onFilter,
  around,
  onAround,
  takesFocus,
}: Shared & { place: Place }) {
  const chips = chipsOf(place);
  const callers = graph.calls.filter(({ to }) => to === place.id);
  const called = graph.calls.filter(({ from }) => from === place.id);
  const sides = [{ name: "Now", figures: place }, ...(place.base ? [{ name: "Before", figures: place.base }] : [])];
  const category = place.category ? ` for ${place.category}` : "";
  const entity = chips?.length === 1 && chips[0]?.value ? chips[0] : undefined;
  const { where, ...time } = search;
  return (
    <PanelFrame
      title={place.name}
      kind={`${kindWords[place.kind]}${category}`}
      onClose={onClose}
      takesFocus={takesFocus}
    >
      {place.changed.length ? <p className="map-changed">{whatChanged(place)}</p> : null}
      <FigureTable sides={sides} />
      <div className="map-buttons">
        {chips ? (
          <Button variant="default" onClick={() => onFilter(chips)}>
            Filter to it
          </Button>
        ) : null}
        {around === place.id ? null : (
          <Button variant="default" onClick={() => onAround(place.id)}>
            Draw only what is around it
          </Button>
        )}
      </div>
      <div className="map-links">
        {chips ? (
          <Link to={paths.explore} search={{ ...time, where: chips.reduce(withChip, where ?? []), table: "spans" }}>
            Explore its calls
          </Link>
        ) : (
          <span className="quiet small">It has several hosts: explore it from one of its callers.</span>
        )}
        {entity ? (
          <Link to={paths.entity} search={{ ...time, field: entity.field, value: String(entity.value) }}>
            Who is this
          </Link>
        ) : null}
        <Link to={paths.sql} search={{ ...time, statement: place.query }}>
          The query behind it
        </Link>
      </div>
      <Calls title="Called by" calls={callers} nameOfOther={(call) => nameOf(graph, call.from)} onChoose={onChoose} />
      <Calls title="Calls" calls={called} nameOfOther={(call) => nameOf(graph, call.to)} onChoose={onChoose} />
    </PanelFrame>
  );
}

type CallsProperties = {
  title: string;
  calls: Call[];
  nameOfOther: (call: Call) => string;
  onChoose: (id: string) => void;
};

function Calls({ title, calls, nameOfOther, onChoose }: CallsProperties) {
  if (!calls.length) return null;
  return (
    <div className="map-calls">
      <h3>{title}</h3>
      <ul>
        {calls.map((call) => (
          <li key={call.id}>
            <button type="button" className="map-choose" onClick={() => onChoose(call.id)}>
              {nameOfOther(call)}
            </button>
            <span className="quiet small">
              {rateWords(call.rate)}, {call.errors ? `${formatPercent(errorShare(call))} failed` : "none failed"}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function OfCall({ call, graph, search, onClose, onChoose, onFilter, takesFocus }: Shared & { call: Call }) {
  const chips = chipsOfCall(graph, call);
  // Spans do not say which service they call: filters can keep all calls of the caller, not those to one service.
  const callerOfAll = chips.some(({ field }) => field === "kind") ? nameOf(graph, call.from) : undefined;
  const { where, ...time } = search;
  const seen = call.server_p50_ns != null;
  const called: Figures = {
    calls: Math.max(0, call.calls - call.unanswered),
    errors: call.server_errors,
    rate: call.rate != null && call.calls ? (call.rate * (call.calls - call.unanswered)) / call.calls : null,
    p50_ns: call.server_p50_ns ?? null,
    p95_ns: call.server_p95_ns ?? null,
    p99_ns: call.server_p99_ns ?? null,
  };
  const sides = [
    { name: "Caller says", figures: call },
    ...(seen ? [{ name: "Called says", figures: called }] : []),
    ...(call.base ? [{ name: "Before", figures: call.base }] : []),
  ];
  return (
    <PanelFrame title={callName(graph, call)} kind={call.kind} onClose={onClose} takesFocus={takesFocus}>
      {call.changed.length ? <p className="map-changed">{whatChanged(call)}</p> : null}
      <FigureTable sides={sides} />
      <p className="quiet small map-note">
        {seen
          ? call.unanswered > 0
            ? `Of ${formatCount(call.unanswered)} calls no span of the called side is there: it did not answer, or its span is lost.`
            : "Both sides tell of every call."
          : "Only the caller tells of these: the called side sends no spans."}
      </p>
      <div className="map-buttons">
        <Button variant="default" onClick={() => onFilter(chips)}>
          {callerOfAll ? `Filter to the calls of ${callerOfAll}` : "Filter to these"}
        </Button>
      </div>
      <div className="map-links">
        <Link to={paths.explore} search={{ ...time, where: chips.reduce(withChip, where ?? []), table: "spans" }}>
          {callerOfAll ? `Explore the calls of ${callerOfAll}` : "Explore these calls"}
        </Link>
        <Link to={paths.sql} search={{ ...time, statement: call.query }}>
          The query behind it
        </Link>
      </div>
      <div className="map-calls">
        <h3>Between</h3>
        <div className="map-ends">
          <button type="button" className="map-choose" onClick={() => onChoose(call.from)}>
            {nameOf(graph, call.from)}
          </button>{" "}
          <span className="quiet">{callWords[call.kind]}</span>{" "}
          <button type="button" className="map-choose" onClick={() => onChoose(call.to)}>
            {nameOf(graph, call.to)}
          </button>
        </div>
      </div>
    </PanelFrame>
  );
}
