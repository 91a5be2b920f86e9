// Events by time and value as a grid of shades. A drag, or shift and the arrow keys, draw a box that stays.
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type uPlot from "uplot";
import { useUtc } from "../ui/useUtc";
import { axisStyle, shades, token } from "./colours";
import { axisHeight, axisWidth, roomAbove, roomRight } from "./frame";
import { type Area, cellAt, dragged, keyed, type Place, placed, snapped } from "./heat/box";
import { type Cell, type HeatScale, heatScale, heatTicks } from "./heat/scale";
import { Laid, type Overlay } from "./Laid";
import { Plot } from "./Plot";
import { Spread } from "./Spread";
import { timeLabels } from "./timeAxis";

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
  /** What is laid over the drawing. */
  overlay?: Overlay;
  /** What is offered while a box is drawn. */
  children?: ReactNode;
};

export function Heatmap(properties: Properties) {
  const { title, cells, step, start, end, format, formatTime, box, height = 260 } = properties;
  const plot = useRef<uPlot | null>(null);
  useUtc();
  const [place, setPlace] = useState<Place>();
  const [at, setAt] = useState<{ time: number; position: number }>();
  const scale = useMemo(() => heatScale(cells), [cells]);
  // A finger scrolls the page, unless it was said that it draws.
  const [drawing, setDrawing] = useState(false);
  const finger = useRef<{ x: number; y: number } | null>(null);
  const now = useRef({ ...properties, scale });
  now.current = { ...properties, scale };
  const most = useMemo(() => cells.reduce((greatest, cell) => Math.max(greatest, cell.count), 1), [cells]);

  const options = useMemo(
    (): Omit<uPlot.Options, "width" | "height"> => ({
      legend: { show: false },
      padding: [roomAbove, roomRight, 0, 0],
      cursor: { drag: { x: true, y: true, setScale: false, uni: 0 }, points: { show: false } },
      scales: { x: { time: true, range: [start, end] }, y: { range: [scale.floor, scale.top] } },
      axes: [
        {
          ...axisStyle(),
          grid: { show: false },
          space: 80,
          size: axisHeight,
          values: (_chart, ticks, _axis, _space, increment) => timeLabels(ticks, increment),
        },
        {
          ...axisStyle(),
          grid: { show: false },
          size: axisWidth,
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

  const drag = (event: PointerEvent, end = false) => {
    if (!plot.current || !finger.current) return;
    const area = dragged(plot.current, finger.current, { x: event.clientX, y: event.clientY }, now.current);
    setPlace(placed(plot.current, area, scale));
    if (!end) return;
    finger.current = null;
    setDrawing(false);
    properties.onBox(area);
  };
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
        <button type="button" className="chart-draw" aria-pressed={drawing} onClick={() => setDrawing(!drawing)}>
          {drawing ? "Drag over the chart" : "Draw a box"}
        </button>
        <span className="chart-reading quiet small">
          {pointed
            ? `${formatTime(pointed.time)} · ${format(pointed.low)} to ${format(pointed.high)} · ${pointed.count}`
            : ""}
        </span>
      </div>
      <Laid start={start} end={end} overlay={properties.overlay}>
        {/* biome-ignore lint/a11y/useSemanticElements: a drawing that takes keys has no element of its own */}
        <div
          role="group"
          aria-roledescription="heatmap"
          aria-label={`${title}: arrow keys move a box, with shift they change its size, Escape removes it`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the box can be drawn by keys
          tabIndex={0}
          onKeyDown={onKey}
          onPointerDown={(event) => {
            if (drawing) finger.current = { x: event.clientX, y: event.clientY };
          }}
          onPointerMove={(event) => drag(event)}
          onPointerUp={(event) => drag(event, true)}
          style={{ position: "relative", touchAction: drawing ? "none" : undefined }}
        >
          <Plot options={options} data={data} height={height} plot={plot} />
          {place ? <div className="heat-box" style={place} /> : null}
        </div>
      </Laid>
      {box ? properties.children : null}
      <Spread title={title} cells={cells} format={format} />
    </figure>
  );
}

function drawCells(chart: uPlot, cells: Cell[], scale: HeatScale, step: number, most: number): void {
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
