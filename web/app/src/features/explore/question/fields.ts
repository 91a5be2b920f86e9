// The fields of a table within the time of the page, and what the builder suggests with them.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../../api/client";
import type { Fields } from "../../../api/types";
import { rangeOf } from "../../../lib/search";
import { useAddress } from "../answers";

export function useFields(table: string) {
  const range = rangeOf(useAddress());
  return useQuery({
    queryKey: ["fields", table, range],
    queryFn: ({ signal }) => getJson<Fields>("api/v1/fields", { from: table, ...range }, signal),
    staleTime: 120_000,
  });
}

export function fieldNames(fields: Fields | undefined): string[] {
  return fields?.fields.map((field) => field.name) ?? [];
}

export function numericFields(fields: Fields | undefined): string[] {
  return fields?.fields.filter((field) => /^(u?int|float)/.test(field.type)).map((field) => field.name) ?? [];
}

const ofNumbers = ["p50", "p90", "p95", "p99", "avg", "sum", "min", "max", "heatmap", "rate", "stddev"];
const ofAny = ["count_distinct", "count"];

/** Whether a calculation is written to its end. */
export function isWhole(calculation: string): boolean {
  return /^(count|rate)$|^[a-z_]+[0-9.]*\(.+\)$/i.test(calculation);
}

/** Calculations that fit what was typed: a function, a field, or both as `p99(dur`. Those of `first` are known to make sense. */
export function suggestCalculations(
  typed: string,
  all: string[],
  numeric: string[],
  taken: string[],
  first: string[] = [],
): string[] {
  const [, wanted = "", part = ""] = /^([a-z0-9_.]*)\(?(.*?)\)?$/i.exec(typed.trim()) ?? [];
  const open = typed.includes("(");
  const found: string[] = [];
  const add = (functions: string[], fields: string[]) => {
    for (const field of fields)
      for (const one of functions) {
        const fits = open
          ? one === wanted && field.includes(part)
          : typed.trim() === ""
            ? field === numeric[0]
            : one.startsWith(wanted) || field.includes(wanted);
        if (fits) found.push(`${one}(${field})`);
      }
  };
  const usual = numeric.includes("duration_ns")
    ? ["duration_ns", ...numeric.filter((one) => one !== "duration_ns")]
    : numeric;
  found.push(...first.filter((one) => one.includes(typed.trim())));
  for (const one of ["count", "rate"]) if (!open && one.startsWith(wanted)) found.push(one);
  if (typed.trim() === "" && !first.length)
    for (const one of ofNumbers) found.push(...usual.slice(0, 1).map((field) => `${one}(${field})`));
  else add(ofNumbers, usual);
  add(ofAny, typed.trim() === "" ? [] : all);
  return [...new Set(found)].filter((one) => !taken.includes(one)).slice(0, 60);
}
