// The explore page's own part of the address.
import { readText, readTexts } from "../../lib/search";

export const views = ["overview", "series", "heatmap", "table", "events", "lines", "traces"] as const;
export type View = (typeof views)[number];

/** The question, in the API's own words, and how its answer is shown. What is absent is as `readQuestion` says. */
export type ExploreSearch = {
  table?: string;
  /** The metric, where the table is that of metrics. */
  metric?: string;
  group?: string[];
  calculate?: string[];
  having?: string;
  order?: string[];
  limit?: number;
  /** The length of a step of time; chosen by the range without. */
  step?: string;
  /** An SQL condition beside the chips. */
  condition?: string;
  view?: View;
  /** The box drawn on the heatmap, as `writeBox` writes it. */
  box?: string;
  /** Columns of the events. */
  columns?: string[];
  /** Which traces come first. */
  sort?: "newest" | "slowest";
};

export function readExploreSearch(raw: Record<string, unknown>): ExploreSearch {
  const limit = Number(readText(raw.limit));
  const search: ExploreSearch = {
    table: readText(raw.table),
    metric: readText(raw.metric),
    group: readTexts(raw.group),
    calculate: readTexts(raw.calculate),
    having: readText(raw.having),
    order: readTexts(raw.order),
    limit: Number.isInteger(limit) && limit > 0 ? limit : undefined,
    step: readText(raw.step),
    condition: readText(raw.condition),
    view: views.find((one) => one === raw.view),
    box: readText(raw.box),
    columns: readTexts(raw.columns),
    sort: raw.sort === "slowest" ? "slowest" : undefined,
  };
  return search;
}
