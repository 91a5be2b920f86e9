// Boxes on a heatmap: from a drag or a key to whole cells, and back to where they are drawn.
import type { KeyboardEvent } from "react";
import type uPlot from "uplot";
import type { Cell, HeatScale } from "./scale";

/** Times in seconds since 1970; `high` is absent where the box reaches above all values. */
export type Area = { start: number; end: number; low: number; high?: number };
export type Place = { left: number; top: number; width: number; height: number };
export type Grid = { step: number; start: number; end: number; scale: HeatScale };

/** The cells that an area touches, whole. */
export function snapped(first: number, last: number, low: number, high: number, { step, scale }: Grid): Area {
  const bottom = Math.max(scale.floor, Math.floor(low));
  const top = Math.max(bottom + 1, Math.ceil(high));
  return {
    start: Math.floor(first / step) * step,
    end: Math.max(Math.ceil(last / step), Math.floor(first / step) + 1) * step,
    low: scale.value(bottom),
    high: top >= scale.top ? undefined : scale.value(top),
  };
}

/** The box after a key, nothing if it goes, null if the key means nothing here. */
export function keyed(event: KeyboardEvent, box: Area | undefined, grid: Grid): Area | undefined | null {
  if (event.key === "Escape") return box ? undefined : null;
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (!by) return null;
  const { scale, step, start, end } = grid;
  const middle = (start + end) / 2;
  if (!box) return snapped(middle, middle + step * 5, scale.top * 0.75, scale.top, grid);
  const [right = 0, up = 0] = by;
  const low = Math.round(scale.position(box.low));
  const high = box.high === undefined ? scale.top : Math.round(scale.position(box.high));
  const move = event.shiftKey ? 0 : 1;
  const first = box.start + right * step * move + step / 2;
  const last = Math.max(box.end + right * step - step / 2, first);
  return snapped(first, last, low + up * move + 0.1, Math.max(low + up * move + 0.2, high + up - 0.1), grid);
}

/** Where the box is drawn; nowhere once its time has passed out of what is shown. */
export function placed(chart: uPlot, box: Area, scale: HeatScale): Place | undefined {
  const { min = 0, max = 0 } = chart.scales.x ?? {};
  if (box.end <= (min ?? 0) || box.start >= (max ?? 0)) return undefined;
  const over = chart.over;
  const limit = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const [left, right] = [box.start, box.end].map((one) => limit(chart.valToPos(one, "x"), over.clientWidth)) as [
    number,
    number,
  ];
  const above = box.high === undefined ? scale.top : scale.position(box.high);
  const [top, bottom] = [above, scale.position(box.low)].map((one) =>
    limit(chart.valToPos(one, "y"), over.clientHeight),
  ) as [number, number];
  return {
    left: left + over.offsetLeft,
    top: top + over.offsetTop,
    width: Math.max(2, right - left),
    height: Math.max(2, bottom - top),
  };
}

export function cellAt(cells: Cell[], at: { time: number; position: number }, scale: HeatScale, step: number) {
  const [time, bin] = [Math.floor(at.time / step) * step, Math.floor(at.position)];
  const found = cells.find(
    (cell) => Math.abs(Number(cell.time) / 1e9 - time) < step / 2 && Math.round(scale.position(cell.low)) === bin,
  );
  return found ? { ...found, time } : undefined;
}

/** The box between two points of a finger's way over the chart. */
export function dragged(chart: uPlot, from: { x: number; y: number }, to: { x: number; y: number }, grid: Grid): Area {
  const { left, top } = chart.over.getBoundingClientRect();
  const times = [chart.posToVal(from.x - left, "x"), chart.posToVal(to.x - left, "x")];
  const values = [chart.posToVal(from.y - top, "y"), chart.posToVal(to.y - top, "y")];
  const [first, last] = [Math.max(grid.start, Math.min(...times)), Math.min(grid.end, Math.max(...times))];
  return snapped(first, last, Math.min(...values), Math.min(grid.scale.top, Math.max(...values)), grid);
}
