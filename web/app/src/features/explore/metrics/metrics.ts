// The metrics of the page's time, what can be calculated over each, and how the chosen one's figures are written.
import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { postJson } from "../../../api/client";
import type { Answer } from "../../../api/types";
import { conditionOf, rangeOf } from "../../../lib/search";
import { type Format, formatOf, formatOfMetric, isWritten } from "../../../lib/units";
import { numberOf, useAddress } from "../answers";
import type { Address } from "../question/question";

export type Metric = { name: string; kind: string; unit: string; isCounter: boolean; points: number; newest: string };

const most = 1000;

export function metricsOf(answer: Pick<Answer, "rows">): Metric[] {
  const found = new Map<string, Metric>();
  for (const [name, kind, unit, monotonic, points, newest] of answer.rows) {
    // Of a name that was sent in several ways, the most frequent one counts: the largest groups come first.
    if (typeof name !== "string" || found.has(name)) continue;
    found.set(name, {
      name,
      kind: String(kind),
      unit: typeof unit === "string" ? unit : "",
      isCounter: kind === "sum" && monotonic !== false,
      points: numberOf(points) ?? 0,
      newest: String(newest),
    });
  }
  return [...found.values()].sort((left, right) => left.name.localeCompare(right.name));
}

/** The metrics of events that fit the filters; asked for only where metrics are looked at. */
export function useMetrics() {
  const search = useAddress();
  const body = {
    from: "metrics",
    range: rangeOf(search),
    where: conditionOf(search.where),
    group_by: ["name", "kind", "unit", "monotonic"],
    calculate: ["count", "max(time)"],
    order_by: ["-count"],
    limit: most,
  };
  return useQuery({
    queryKey: ["metrics", body],
    queryFn: async ({ signal }) => {
      const answer = await postJson<Answer>("api/v1/query", body, signal);
      return { metrics: metricsOf(answer), isCut: answer.footer.cut };
    },
    enabled: search.table === "metrics",
    staleTime: 60_000,
  });
}

/** The chosen metric, once it is known what it is. */
export function useMetric(): Metric | undefined {
  const { table, metric } = useAddress();
  const all = useMetrics().data?.metrics;
  return table === "metrics" && metric ? all?.find((one) => one.name === metric) : undefined;
}

type Calculations = { usual: string[]; more: string[] };

const counts = ["rate(count)", "increase(count)"];

/** What makes sense of a metric by its kind: what is shown at first, and what else is offered. */
export function calculationsOf({ kind, isCounter }: Pick<Metric, "kind" | "isCounter">): Calculations {
  if (isCounter) return { usual: ["rate(value)"], more: ["increase(value)"] };
  if (/histogram$/.test(kind))
    return {
      usual: ["p50(histogram)", "p99(histogram)", "rate(count)"],
      more: ["p90(histogram)", "p95(histogram)", "p99.9(histogram)", "increase(count)", "rate(sum)"],
    };
  if (kind === "summary") return { usual: ["rate(count)"], more: ["increase(count)", "rate(sum)"] };
  return {
    usual: ["avg(value)"],
    more: ["min(value)", "max(value)", "last(value)", "sum(value)", "p50(value)", "p95(value)", "p99(value)"],
  };
}

/** All that is offered for it; without a metric, what some metrics can. */
export function offeredFor(metric: Metric | undefined): string[] {
  if (!metric) return ["rate(value)", "increase(value)", "avg(value)", "p50(histogram)", "p99(histogram)", ...counts];
  const { usual, more } = calculationsOf(metric);
  return [...usual, ...more];
}

/** The part of the address that shows a metric. */
export function chosen(metric: Metric): Partial<Address> {
  return {
    table: "metrics",
    metric: metric.name,
    calculate: calculationsOf(metric).usual,
    ...{ order: undefined, having: undefined, box: undefined },
  };
}

/** The unit beside a calculation, as people write it; where each figure has its own, there is none. */
export function unitWords(calculation: string, unit: string): string {
  if (!calculation.includes("(count)") && isWritten(unit)) return "";
  const plain = calculation.includes("(count)") ? "" : unit.replace(/[{}]/g, "").replace(/^1$/, "");
  const rate = calculation.startsWith("rate");
  if (plain === "") return rate ? "per second" : "";
  return rate ? `${plain} per second` : plain;
}

/** How figures are written: those of a metric with its unit. */
export function useFormatOf(): (calculation: string) => Format {
  const unit = useMetric()?.unit;
  return useCallback((one) => (unit === undefined ? formatOf(one) : formatOfMetric(one, unit)), [unit]);
}
