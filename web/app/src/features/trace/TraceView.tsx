// A trace that is there: its head, its tabs, and the panel of the chosen span.
import { Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useDeferredValue, useRef } from "react";
import type { Trace } from "../../api/types";
import { paths } from "../../paths";
import { useChosenInView } from "../../ui/useChosenInView";
import { Banners } from "./Banners";
import type { TraceModel } from "./model/build";
import { SpanPanel } from "./panel/SpanPanel";
import type { Tab, TraceSearch } from "./search";
import { TraceHead } from "./TraceHead";
import { CompareTab } from "./tabs/CompareTab";
import { FlameTab } from "./tabs/FlameTab";
import { LogsTab } from "./tabs/LogsTab";
import { SpansTab } from "./tabs/SpansTab";
import { StatisticsTab } from "./tabs/StatisticsTab";
import type { Whole } from "./useTrace";
import { Waterfall } from "./waterfall/Waterfall";

type Properties = {
  trace: TraceModel;
  whole: Whole;
  /** It is from a file. */
  local: boolean;
  span: string | undefined;
  onRefresh: () => void;
  onFile: (trace: Trace) => void;
};

export function TraceView({ trace, whole, local, span, onRefresh, onFile }: Properties) {
  const search = useSearch({ from: paths.trace });
  const navigate = useNavigate();
  const tab: Tab = search.tab ?? "waterfall";
  const chosen = span === undefined ? -1 : (trace.byId.get(span.toLowerCase()) ?? -1);
  const deferred = useDeferredValue(chosen);

  const change = useCallback(
    (next: Partial<TraceSearch>, replace = true) => {
      void navigate({ to: ".", search: (before) => ({ ...before, ...next }), replace, resetScroll: false });
    },
    [navigate],
  );
  // Whoever closes the panel is back where they opened it.
  const view = useRef<HTMLDivElement>(null);
  const opener = useRef<Element | null>(null);
  const choose = useCallback(
    (node: number | null) => {
      const { activeElement } = document;
      if (node !== null && !activeElement?.closest(".span-panel")) opener.current = activeElement;
      change({ span: node === null ? undefined : trace.nodes[node]?.id });
      if (node !== null) return;
      const back = opener.current;
      if (back instanceof HTMLElement && back.isConnected && back !== document.body) back.focus();
      else view.current?.focus();
    },
    [change, trace],
  );
  const setTime = useCallback((time: string | undefined) => change({ time }), [change]);
  const tabs = useChosenInView<HTMLDivElement>(tab);
  const node = trace.nodes[deferred];
  return (
    <div className="page trace-page">
      <TraceHead trace={trace} whole={whole} local={local} onRefresh={onRefresh} onFile={onFile} />
      <Banners model={trace} unknownSpan={span !== undefined && chosen < 0 ? span : null} />
      <Tabs
        value={tab}
        onChange={(value) => change({ tab: value === "waterfall" ? undefined : (value as Tab) }, false)}
        className="trace-tabs"
      >
        <Tabs.List ref={tabs}>
          <Tabs.Tab value="waterfall">Waterfall</Tabs.Tab>
          <Tabs.Tab value="flame">Flame</Tabs.Tab>
          <Tabs.Tab value="statistics">Statistics</Tabs.Tab>
          <Tabs.Tab value="spans">Spans</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="compare">Compare</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      <div className="trace-body">
        <div ref={view} className="trace-view" role="tabpanel" aria-label={tab} tabIndex={-1}>
          {tab === "waterfall" ? (
            <Waterfall
              trace={trace}
              whole={whole}
              chosen={chosen}
              time={search.time}
              onChoose={choose}
              onTime={setTime}
            />
          ) : null}
          {tab === "flame" ? <FlameTab trace={trace} chosen={chosen} onChoose={choose} /> : null}
          {tab === "statistics" ? (
            <StatisticsTab trace={trace} whole={whole} by={search.by} onBy={(by) => change({ by })} onChoose={choose} />
          ) : null}
          {tab === "spans" ? <SpansTab trace={trace} chosen={chosen} onChoose={choose} /> : null}
          {tab === "logs" ? <LogsTab trace={trace} whole={whole} onChoose={choose} /> : null}
          {tab === "compare" ? (
            <CompareTab trace={trace} against={search.against} onAgainst={(against) => change({ against }, false)} />
          ) : null}
        </div>
        {node ? <SpanPanel key={node.id} trace={trace} node={node} onChoose={choose} /> : null}
      </div>
    </div>
  );
}
