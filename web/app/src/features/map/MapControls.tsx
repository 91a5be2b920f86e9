// How the map is shown: drawn or listed, around which place, and beside which earlier time.
import { NativeSelect, SegmentedControl } from "@mantine/core";
import type { Search } from "../../lib/search";
import { boundsOf, writeLength } from "../../lib/time";
import type { MapSearch } from "./search";

type Properties = {
  search: Search & MapSearch;
  view: "drawing" | "table";
  change: (next: Partial<MapSearch>) => void;
};

const spoken: Record<string, string> = { "1h": "an hour before", "1d": "a day before", "7d": "a week before" };

/** What can be compared with: just before, and the same clock time of earlier days. */
export function earlierTimes(search: Search & MapSearch): { value: string; label: string }[] {
  const { start, end } = boundsOf(search);
  const span = writeLength(Math.round((end - start) / 1000) * 1000);
  const offered = new Map([[span, spoken[span] ?? "just before"]]);
  for (const [value, label] of Object.entries(spoken)) if (!offered.has(value)) offered.set(value, label);
  if (search.before && !offered.has(search.before)) offered.set(search.before, `${search.before} before`);
  return [{ value: "", label: "nothing" }, ...[...offered].map(([value, label]) => ({ value, label }))];
}

export function MapControls({ search, view, change }: Properties) {
  return (
    <div className="map-controls">
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the select is within */}
      <label>
        <span className="quiet">Compare with</span>
        <NativeSelect
          size="xs"
          data={earlierTimes(search)}
          value={search.before ?? ""}
          onChange={(event) => change({ before: event.currentTarget.value || undefined })}
        />
      </label>
      {search.around && view === "drawing" ? (
        <>
          {/* biome-ignore lint/a11y/noLabelWithoutControl: the select is within */}
          <label>
            <span className="quiet">Around it</span>
            <NativeSelect
              size="xs"
              data={[
                { value: "1", label: "1 hop" },
                { value: "2", label: "2 hops" },
                { value: "3", label: "3 hops" },
                { value: "", label: "all" },
              ]}
              value={String(search.hops ?? 1)}
              onChange={(event) => {
                const hops = Number(event.currentTarget.value);
                change(hops ? { hops } : { around: undefined, hops: undefined });
              }}
            />
          </label>
        </>
      ) : null}
      <SegmentedControl
        aria-label="Shown as"
        data={[
          { value: "drawing", label: "Drawing" },
          { value: "table", label: "Table" },
        ]}
        value={view}
        onChange={(next) => change({ view: next === "table" ? "table" : "drawing" })}
      />
    </div>
  );
}
