// What talks to what: drawn or as tables, narrower by chips, beside an earlier time if asked.
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { getJson } from "../../api/client";
import { followsTime } from "../../api/queries";
import type { ApiMap } from "../../api/types";
import { formatCount } from "../../lib/format";
import { conditionOf, rangeOf, withChip } from "../../lib/search";
import { paths } from "../../paths";
import { Completeness } from "../../ui/Completeness";
import { HowToSend } from "../../ui/HowToSend";
import { Empty, Loading, Unanswered } from "../../ui/States";
import { carried, useChangeSearch } from "../../ui/useSearch";
import { drawnMax, graphOf, partOf } from "./graph";
import { MapControls } from "./MapControls";
import { MapDifference } from "./MapDifference";
import { MapTable } from "./MapTable";
import { PlacePanel } from "./PlacePanel";
import type { MapSearch } from "./search";
import { nameOf } from "./words";
import "./map.css";

// The drawing is large; whoever reads the tables does not load it.
const MapDrawing = lazy(() => import("./drawing/MapDrawing").then((module) => ({ default: module.MapDrawing })));

export function MapPage() {
  const search = useSearch({ from: paths.map });
  const navigate = useNavigate({ from: paths.map });
  const isNarrow = useMediaQuery("(max-width: 700px)", undefined, { getInitialValueInEffect: false });
  const view = search.view ?? (isNarrow ? "table" : "drawing");
  const change = useCallback(
    (next: Partial<MapSearch>) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  const asked = { ...rangeOf(search), where: conditionOf(search.where), compare_before: search.before };
  const map = useQuery({
    queryKey: ["map", asked],
    queryFn: ({ signal }) => getJson<ApiMap>("api/v1/map", asked, signal),
    meta: followsTime,
  });
  return (
    <div className="page">
      <div className="page-head map-head">
        <h1>What talks to what</h1>
        <MapControls search={search} view={view} change={change} />
      </div>
      {map.isPending ? <Loading what="the map" /> : null}
      {map.isError ? <Unanswered query={map} /> : null}
      {map.data ? <Told map={map.data} view={view} change={change} /> : null}
    </div>
  );
}

type ToldProperties = { map: ApiMap; view: "drawing" | "table"; change: (next: Partial<MapSearch>) => void };

function Told({ map, view, change }: ToldProperties) {
  const search = useSearch({ from: paths.map });
  const changeShared = useChangeSearch();
  const { place: chosen, around, hops } = search;
  const [chosenHere, setChosenHere] = useState(false);
  const graph = useMemo(() => graphOf(map), [map]);
  const part = useMemo(() => partOf(graph, around, hops), [graph, around, hops]);
  const choose = (id: string) => {
    setChosenHere(true);
    change({ place: id });
  };
  const close = useCallback(() => {
    change({ place: undefined });
    // Reading goes on where it was chosen.
    const id = CSS.escape(chosen ?? "");
    document.querySelector<HTMLElement>(`.react-flow [data-id="${id}"], [data-place="${id}"]`)?.focus();
  }, [change, chosen]);
  useEffect(() => {
    if (chosen === undefined) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) close();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [chosen, close]);

  if (!graph.places.length)
    return (
      <Empty title="Nothing talked in this time">
        {search.where?.length
          ? "No call fulfils the filters. Take one away, or choose a longer time."
          : "The map comes from spans alone: as soon as some arrive, what they call is drawn here. A longer time may have some."}
        <HowToSend />
      </Empty>
    );
  const { left_out: left } = map;
  // Doubts are told before what they are about.
  const isDoubtful = map.completeness.verdict === "cannot_tell";
  return (
    <>
      {isDoubtful ? <Completeness given={map.completeness} what="the map" /> : null}
      {map.difference ? <MapDifference graph={graph} difference={map.difference} onChoose={choose} /> : null}
      {part.hidden > 0 && view === "drawing" ? (
        <p className="map-part">
          Drawn is what is within {part.hops} {part.hops === 1 ? "hop" : "hops"} of{" "}
          <b>{nameOf(graph, part.around ?? "")}</b>: {formatCount(part.places.length)} of{" "}
          {formatCount(graph.places.length)} places. The table has all.{" "}
          {around ? (
            <button type="button" className="map-choose" onClick={() => change({ around: undefined, hops: undefined })}>
              {graph.places.length > drawnMax ? "Draw around the busiest" : "Draw all"}
            </button>
          ) : (
            "Choose another place in the table to draw what is around it."
          )}
        </p>
      ) : null}
      <div className={chosen ? "map-body map-body-panel" : "map-body"}>
        {view === "drawing" ? (
          <Suspense
            fallback={
              <div className="map-drawing map-waiting panel">
                <Loading what="the drawing" />
              </div>
            }
          >
            <MapDrawing part={part} chosen={chosen} onChoose={choose} />
          </Suspense>
        ) : (
          <MapTable graph={graph} compared={Boolean(map.difference)} chosen={chosen} onChoose={choose} />
        )}
        {chosen ? (
          <PlacePanel
            chosen={chosen}
            graph={graph}
            search={carried(search)}
            takesFocus={chosenHere}
            onClose={close}
            onChoose={choose}
            onFilter={(chips) => changeShared({ where: chips.reduce(withChip, search.where ?? []) })}
            around={around}
            onAround={(id) => change({ around: id, hops: 1, view: "drawing" })}
          />
        ) : null}
      </div>
      {view === "drawing" ? (
        <p className="quiet small map-legend">
          A line is as wide as it has calls; <span className="map-errors-some">some</span> fail, or{" "}
          <span className="map-errors-many">5 % and more</span>. Places that send no spans themselves have a dashed
          edge.
        </p>
      ) : null}
      {isDoubtful ? null : <Completeness given={map.completeness} what="the map" />}
      {left.nodes || left.edges ? (
        <p className="small">
          {formatCount(left.nodes)} places and {formatCount(left.edges)} kinds of calls, with {formatCount(left.calls)}{" "}
          calls, are left out: those with the fewest. Filters bring them back.
        </p>
      ) : null}
      {map.unnamed_calls ? (
        <p className="small">
          {formatCount(map.unnamed_calls)} calls do not say what they call, so no line shows them.
        </p>
      ) : null}
    </>
  );
}
