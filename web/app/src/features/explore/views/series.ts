// An answer with steps of time as lines: one for each group, in the order of the answer.
import type { Answer } from "../../../api/types";
import { cellValue, numberOf } from "../answers";

export type Group = (string | number | boolean | null)[];
export type Series = { groups: Group[]; times: number[]; values: Map<string, (number | null)[][]> };

/** Without the figures of steps that are only partly between `start` and `end` (seconds). */
export function wholeSteps(times: number[], values: (number | null)[], step: number, start: number, end: number) {
  return values.map((value, at) => {
    const time = times[at] ?? 0;
    return time < start || time + step > end ? null : value;
  });
}

/** `values` has for each calculation the figures of each group, step by step. */
export function readSeries(answer: Pick<Answer, "columns" | "rows">, groups: number, calculations: string[]): Series {
  const steps = new Map<string, unknown[][]>();
  for (const row of answer.rows) {
    const time = String(row[0]);
    const rows = steps.get(time);
    if (rows) rows.push(row);
    else steps.set(time, [row]);
  }
  const ordered = [...steps.keys()].sort((left, right) => (BigInt(left) < BigInt(right) ? -1 : 1));
  // Groups without events in a step may stand elsewhere in it: the fullest step has the order, so that colours stay.
  const groupOf = (row: unknown[]) => row.slice(1, 1 + groups).map(cellValue);
  const filled = (rows: unknown[][]) => rows.filter((row) => row[1 + groups] !== null && row[1 + groups] !== 0).length;
  const fullest = [...steps.values()].reduce((best, rows) => (filled(rows) > filled(best) ? rows : best), []);
  const found = new Map<string, Group>();
  for (const row of [...fullest, ...answer.rows]) {
    const group = groupOf(row);
    found.set(JSON.stringify(group), group);
  }
  const at = new Map([...found.keys()].map((key, index) => [key, index]));
  const values = new Map(
    calculations.map((one) => [
      one,
      [...found].map((): (number | null)[] => new Array<number | null>(ordered.length).fill(null)),
    ]),
  );
  ordered.forEach((time, step) => {
    for (const row of steps.get(time) ?? []) {
      const group = at.get(JSON.stringify(groupOf(row))) ?? 0;
      calculations.forEach((one, place) => {
        const line = values.get(one)?.[group];
        if (line) line[step] = numberOf(row[1 + groups + place]);
      });
    }
  });
  return { groups: [...found.values()], times: ordered.map((time) => Number(time) / 1e9), values };
}
