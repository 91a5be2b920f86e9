// Which metric is looked at; each with what it is, and its unit.
import { Select } from "@mantine/core";
import { useEffect } from "react";
import { useAddress, useChange } from "../answers";
import { chosen, useMetric, useMetrics } from "./metrics";

export function MetricPicker() {
  const { metric, calculate } = useAddress();
  const change = useChange();
  const known = useMetric();
  // An address that names a metric and nothing to calculate shows what it would had the metric been chosen here.
  useEffect(() => {
    if (known && !calculate) change(chosen(known), { replace: true });
  }, [known, calculate, change]);
  const metrics = useMetrics();
  const all = metrics.data?.metrics ?? [];
  const names = all.map((one) => one.name);
  // A metric of the address that this time has no points of stays chosen, and can be seen.
  const offered = metric && !names.includes(metric) ? [metric, ...names] : names;
  return (
    <Select
      className="metric-picker"
      aria-label="Metric"
      placeholder={metrics.isPending ? "Reading the metrics" : "Any metric"}
      nothingFoundMessage="No metric is called so in this time"
      searchable
      clearable
      limit={80}
      data={offered}
      value={metric ?? null}
      maxDropdownHeight={320}
      comboboxProps={{ width: "max-content", position: "bottom-start" }}
      onChange={(name) => {
        const found = all.find((one) => one.name === name);
        if (found) change(chosen(found));
        else if (!name) change({ metric: undefined, calculate: undefined, group: undefined, order: undefined });
      }}
      renderOption={({ option }) => {
        const found = all.find((one) => one.name === option.value);
        return (
          <span className="metric-option">
            <span>{option.value}</span>
            <span className="quiet small">{found ? kindWords(found) : "no points in this time"}</span>
          </span>
        );
      }}
    />
  );
}

/** The units that most metrics have, in words; others are shown as they were sent. */
const unitWords: Record<string, string> = { By: "bytes", s: "seconds", ms: "milliseconds", "%": "percent" };

/** `counter, bytes`. */
export function kindWords({ kind, isCounter, unit }: { kind: string; isCounter: boolean; unit: string }): string {
  const name = isCounter ? "counter" : kind.replace("_", " ");
  return unit && unit !== "1" ? `${name}, ${unitWords[unit] ?? unit.replace(/[{}]/g, "")}` : name;
}
