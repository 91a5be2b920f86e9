// Events by time and value as a grid of shades. A drag, or shift and the arrow keys, draw a box that stays.
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type uPlot from "uplot";
import { axisStyle, shades, token } from "./colours";
import { type Cell, heatScale, heatTicks } from "./heatScale";
import { Plot } from "./Plot";
import { Spread } from "./Spread";
import { timeLabels } from "./timeAxis";

/** Times in seconds since 1970; `high` is absent where the box reaches above all values. */
export type Area = { start: number; end: number; low: number; high?: number };

type Properties = {
  title: string;
  cells: Cell[];
  /** A step of time, and the stretch asked for, in seconds. */
  step: number;
  start: number;
  end: number;
  format: (value: number) => string;
  formatTime: (seconds: number) => string;
  box?: Area;
  onBox: (area: Area | undefined) => void;
  height?: number;
  /** What is offered while a box is drawn. */
  children?: ReactNode;
};

type Place = { left: number; top: number; width: number; height: number };

export function Heatmap(properties: Properties) {
  const { title, cells, step, start, end, format, formatTime, box, height = 260 } = properties;
  const plot = useRef<uPlot | null>(null);
  const [place, setPlace] = useState<Place>();
  const [at, setAt] = useState<{ time: number; position: number }>();
  const scale = useMemo(() => heatScale(cells), [cells]);
  const now = useRef({ ...properties, scale });
  now.current = { ...properties, scale };
  const most = useMemo(() => cells.reduce((greatest, cell) => Math.max(greatest, cell.count), 1), [cells]);

  const options = useMemo(
    (): Omit<uPlot.Options, "width" | "height"> => ({
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: { drag: { x: true, y: true, setScale: false, uni: 0 }, points: { show: false } },
      scales: { x: { time: true, range: [start, end] }, y: { range: [scale.floor, scale.top] } },
      axes: [
        {
          ...axisStyle(),
          stroke: () => token("--text-quiet"),
          grid: { show: false },
          space: 80,
          size: 36,
          values: (_chart, ticks, _axis, _space, increment) => timeLabels(ticks, increment),
        },
        {
          ...axisStyle(),
          stroke: () => token("--text-quiet"),
          grid: { show: false },
          size: 64,
          splits: () => heatTicks(scale, Math.max(3, Math.floor(height / 36))).map(scale.position),
          values: (_chart, positions) => positions.map((one) => format(Number(scale.value(one).toPrecision(3)))),
        },
      ],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: {
        drawAxes: [(chart) => drawCells(chart, cells, scale, step, most)],
        setCursor: [
          (chart) => {
            const { left = -1, top = -1 } = chart.cursor;
            setAt(left < 0 ? undefined : { time: chart.posToVal(left, "x"), position: chart.posToVal(top, "y") });
          },
        ],
        setSelect: [
          (chart) => {
            const { left, top, width, height: tall } = chart.select;
            if (width < 3 && tall < 3) return;
            const [first, last] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
            now.current.onBox(
              snapped(first, last, chart.posToVal(top + tall, "y"), chart.posToVal(top, "y"), now.current),
            );
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    }),
    [cells, scale, step, most, start, end, format, height],
  );
  const data = useMemo(
    (): uPlot.AlignedData => [
      [start, end],
      [null, null],
    ],
    [start, end],
  );

  useLayoutEffect(() => {
    const put = () => setPlace(plot.current && box ? placed(plot.current, box, scale) : undefined);
    put();
    window.addEventListener("resize", put);
    return () => window.removeEventListener("resize", put);
  }, [box, scale]);
  // The chart takes its real size only after its first drawing.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (plot.current && box) setPlace(placed(plot.current, box, scale));
    });
    return () => cancelAnimationFrame(frame);
  }, [box, scale]);

  const pointed = at ? cellAt(cells, at, scale, step) : undefined;
  const onKey = (event: KeyboardEvent) => {
    const moved = keyed(event, box, { ...properties, scale });
    if (moved === null) return;
    event.preventDefault();
    properties.onBox(moved);
  };
  return (
    <figure className="chart" style={{ margin: 0 }} aria-label={`${title} by time and value`}>
      <div className="chart-head">
        <h2 className="chart-title">{title}</h2>
        <span className="quiet small">{box ? null : "drag a box to ask what is different in it"}</span>
        <span className="chart-reading quiet small">
          {pointed
            ? `${formatTime(pointed.time)} · ${format(pointed.low)} to ${format(pointed.high)} · ${pointed.count}`
            : ""}
        </span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing that takes keys has no element of its own */}
      <div
        role="group"
        aria-roledescription="heatmap"
        aria-label={`${title}: arrow keys move a box, with shift they change its size, Escape removes it`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the box can be drawn by keys
        tabIndex={0}
        onKeyDown={onKey}
        style={{ position: "relative" }}
      >
        <Plot options={options} data={data} height={height} plot={plot} />
        {place ? <div className="heat-box" style={place} /> : null}
      </div>
      {box ? properties.children : null}
      <Spread title={title} cells={cells} format={format} />
    </figure>
  );
}

type Grid = Pick<Properties, "step" | "start" | "end"> & { scale: ReturnType<typeof heatScale> };

/** The cells that an area touches, whole. */
function snapped(first: number, last: number, low: number, high: number, { step, scale }: Grid): Area {
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
function keyed(event: KeyboardEvent, box: Area | undefined, grid: Grid): Area | undefined | null {
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
function placed(chart: uPlot, box: Area, scale: Grid["scale"]): Place | undefined {
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

function cellAt(cells: Cell[], at: { time: number; position: number }, scale: Grid["scale"], step: number) {
  const [time, bin] = [Math.floor(at.time / step) * step, Math.floor(at.position)];
  const found = cells.find(
    (cell) => Math.abs(Number(cell.time) / 1e9 - time) < step / 2 && Math.round(scale.position(cell.low)) === bin,
  );
  return found ? { ...found, time } : undefined;
}

function drawCells(chart: uPlot, cells: Cell[], scale: Grid["scale"], step: number, most: number): void {
  const { ctx, bbox } = chart;
  // Few events have to be seen beside many: shades go by logarithm.
  const colours = shades(token("--heat-low"), token("--heat-high"), 24);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const cell of cells) {
    const time = Number(cell.time) / 1e9;
    const bottom = Math.round(scale.position(cell.low));
    const left = Math.floor(chart.valToPos(time, "x", true));
    const right = Math.ceil(chart.valToPos(time + step, "x", true));
    const top = Math.floor(chart.valToPos(bottom + 1, "y", true));
    const base = Math.ceil(chart.valToPos(bottom, "y", true));
    const shade = most > 1 ? Math.log(Math.max(1, cell.count)) / Math.log(most) : 1;
    ctx.fillStyle = colours[Math.min(23, Math.round(shade * 23))] ?? "";
    ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, base - top));
  }
  ctx.restore();
}
