// Explore: a question without a query language, and its answer as lines, a heatmap, a table, events or traces.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { paths } from "../../paths";
import { NotesList } from "../../ui/notes/NotesList";
import { useChosenInView } from "../../ui/useChosenInView";
import { useAddress, useAnswer } from "./answers";
import { Builder } from "./builder/Builder";
import { ExportMenu } from "./builder/ExportMenu";
import { HistoryMenu } from "./builder/HistoryMenu";
import { QuestionPanel } from "./builder/QuestionPanel";
import { MetricList } from "./metrics/MetricList";
import { readQuestion, type Table, tableBody } from "./question/question";
import type { View } from "./search";
import { EventsView } from "./views/EventsView";
import { HeatmapView } from "./views/HeatmapView";
import { LinesView } from "./views/LinesView";
import { SeriesView } from "./views/SeriesView";
import { TableView } from "./views/TableView";
import { TracesView } from "./views/TracesView";
import "./explore.css";

const names: Record<View, string> = {
  overview: "Overview",
  series: "Over time",
  heatmap: "Heatmap",
  table: "Table",
  lines: "Log lines",
  events: "Events",
  traces: "Traces",
};
const offered: Record<Table, View[]> = {
  spans: ["overview", "series", "heatmap", "table", "events", "traces"],
  logs: ["overview", "series", "heatmap", "table", "lines", "events", "traces"],
  metrics: ["overview", "series", "heatmap", "table", "events"],
};

export function ExplorePage() {
  const search = useAddress();
  const { table } = readQuestion(search);
  const [panel, setPanel] = useState(false);
  const view = offered[table].find((one) => one === search.view) ?? "overview";
  const tabs = useChosenInView<HTMLElement>(view);
  return (
    <div className="page explore">
      <div className="page-head">
        <h1>Explore {table}</h1>
        <div className="page-tools">
          <HistoryMenu />
          <ExportMenu view={view} />
          <Button variant="subtle" aria-expanded={panel} onClick={() => setPanel(!panel)}>
            JSON and SQL
          </Button>
        </div>
      </div>
      <Builder />
      {panel ? <QuestionPanel view={view} /> : null}
      <nav ref={tabs} className="tabs" aria-label="How the answer is shown">
        {offered[table].map((one) => (
          <Link
            key={one}
            to={paths.explore}
            search={{ ...search, view: one === "overview" ? undefined : one }}
            activeOptions={{ exact: true, includeSearch: true, explicitUndefined: true }}
            aria-current={one === view ? "page" : undefined}
            resetScroll={false}
          >
            {names[one]}
          </Link>
        ))}
      </nav>
      <Shown view={view} />
      <NotesList />
    </div>
  );
}

function Shown({ view }: { view: View }) {
  if (view === "series") return <SeriesView />;
  if (view === "heatmap") return <HeatmapView />;
  if (view === "table") return <TableView />;
  if (view === "events") return <EventsView />;
  if (view === "lines") return <LinesView />;
  if (view === "traces") return <TracesView />;
  return <Overview />;
}

/** How much, how long, and who: what is useful before anything was chosen. */
function Overview() {
  const search = useAddress();
  return search.table === "metrics" && !search.metric && !search.calculate && !search.group ? (
    <MetricList />
  ) : (
    <Figures />
  );
}

function Figures() {
  const search = useAddress();
  const { heat, table } = readQuestion(search);
  const answer = useAnswer(tableBody(search));
  // What was refused, or is empty, is so for all parts alike: the table says it once. It stays where it is, since a table
  // that came anew would ask anew.
  const isTold = (answer.isError && !answer.data) || answer.data?.rows.length === 0;
  return (
    <div className="overview">
      {isTold ? null : (
        <div className={heat ? "overview-charts" : undefined}>
          <SeriesView only={table !== "metrics"} strip={false} />
          {heat ? <HeatmapView small /> : null}
        </div>
      )}
      <TableView />
    </div>
  );
}
