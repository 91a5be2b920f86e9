// Where a value stands on a heatmap's axis, in bins: even for linear bins, by logarithm for those that grow.

/** A cell: its step's start in nanoseconds since 1970, its bin, and its events by weight. */
export type Cell = { time: string; low: number; high: number; count: number };

export type HeatScale = {
  logarithmic: boolean;
  /** Bins, of which one may be below the scale's start. */
  floor: number;
  top: number;
  position: (value: number) => number;
  value: (position: number) => number;
};

/** The scale of the bins that the answer has. */
export function heatScale(cells: Cell[]): HeatScale {
  let [lowest, highest] = [cells[0], cells[0]];
  let beneath = false;
  for (const cell of cells) {
    if (!lowest || !highest) break;
    if (cell.low < lowest.low) lowest = cell;
    if (cell.high > highest.high) highest = cell;
  }
  if (!lowest || !highest) return linear(0, 1, 1);
  const width = highest.high - highest.low;
  if (!(width > 0)) return linear(lowest.low, 1, 1);
  const factor = highest.high / highest.low;
  const growing = (cell: Cell) => cell.low > 0 && Math.abs(cell.high / cell.low / factor - 1) < 1e-6;
  const even = cells.every((cell) => Math.abs((cell.high - cell.low) / width - 1) < 1e-6);
  if (even) return linear(lowest.low, width, Math.max(1, Math.round((highest.high - lowest.low) / width)));
  // The bin below all others holds what is not positive or too small to be in one of those that grow.
  let start = highest.low;
  for (const cell of cells) {
    if (growing(cell)) start = Math.min(start, cell.low);
    else beneath = true;
  }
  const step = Math.log(factor);
  return {
    logarithmic: true,
    floor: beneath ? -1 : 0,
    top: Math.round(Math.log(highest.high / start) / step),
    position: (value) => (value < start ? (value < start * 0.999999 ? -1 : 0) : Math.log(value / start) / step),
    value: (position) => (position < -0.5 ? lowest.low : start * Math.exp(position * step)),
  };
}

function linear(start: number, width: number, top: number): HeatScale {
  return {
    logarithmic: false,
    floor: 0,
    top,
    position: (value) => (value - start) / width,
    value: (position) => start + position * width,
  };
}

/** Values for the axis: of each power of ten the first, and also 2 and 5 where there is room; even steps if linear. */
export function heatTicks(scale: HeatScale, most: number): number[] {
  const [low, high] = [scale.value(0), scale.value(scale.top)];
  if (!scale.logarithmic) {
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough || 1));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
    const first = Math.ceil(low / step) * step;
    return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, index) => first + index * step);
  }
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const digit of digits)
        if (digit * 10 ** power >= low && digit * 10 ** power <= high) ticks.push(digit * 10 ** power);
    }
    if (ticks.length <= most || digits.length === 1) return ticks;
  }
  return [];
}
