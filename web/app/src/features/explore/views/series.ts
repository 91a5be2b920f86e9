// An answer with steps of time as lines: one for each group, in the order of the answer.
import type { Answer } from "../../../api/types";
import { cellValue, numberOf } from "../answers";

export type Group = (string | number | boolean | null)[];
export type Series = { groups: Group[]; times: number[]; values: Map<string, (number | null)[][]> };

/** `values` has for each calculation the figures of each group, step by step. */
export function readSeries(answer: Pick<Answer, "columns" | "rows">, groups: number, calculations: string[]): Series {
  const at = new Map<string, number>();
  const steps = new Map<string, number>();
  const found: Group[] = [];
  for (const row of answer.rows) {
    const time = String(row[0]);
    if (!steps.has(time)) steps.set(time, steps.size);
    const group = row.slice(1, 1 + groups).map(cellValue);
    const key = JSON.stringify(group);
    if (!at.has(key)) {
      at.set(key, found.length);
      found.push(group);
    }
  }
  const ordered = [...steps.keys()].sort((left, right) => (BigInt(left) < BigInt(right) ? -1 : 1));
  ordered.forEach((time, index) => {
    steps.set(time, index);
  });
  const values = new Map(
    calculations.map((one) => [one, found.map((): (number | null)[] => new Array(ordered.length).fill(null))]),
  );
  for (const row of answer.rows) {
    const step = steps.get(String(row[0])) ?? 0;
    const group = at.get(JSON.stringify(row.slice(1, 1 + groups).map(cellValue))) ?? 0;
    calculations.forEach((one, place) => {
      const line = values.get(one)?.[group];
      if (line) line[step] = numberOf(row[1 + groups + place]);
    });
  }
  return { groups: found, times: ordered.map((time) => Number(time) / 1e9), values };
}
