// Lines over time with a legend and a table of the same figures. A drag chooses a stretch of time.
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type uPlot from "uplot";
import { Scroll } from "../ui/Scroll";
import { useUtc } from "../ui/useUtc";
import { axisStyle, seriesToken, token } from "./colours";
import { axisHeight, axisWidth, roomAbove, roomRight } from "./frame";
import { Laid, type Overlay } from "./Laid";
import { Plot } from "./Plot";
import { timeLabels } from "./timeAxis";

export type Line = { name: string; label: ReactNode; values: (number | null)[] };

type Properties = {
  title: string;
  /** Starts of the steps, in seconds since 1970. */
  times: number[];
  lines: Line[];
  /** The stretch of time asked for, in seconds. */
  start: number;
  end: number;
  format: (value: number | null) => string;
  formatTime: (seconds: number) => string;
  onZoom?: (start: number, end: number) => void;
  height?: number;
  /** Charts of the same key have one cursor. */
  sync?: string;
  /** What is laid over the drawing. */
  overlay?: Overlay;
  /** One legend is enough for several charts of the same groups. */
  legend?: boolean;
};

/** Bytes are counted so: their ticks stand at whole KiB and MiB. */
const powersOfTwo = Array.from({ length: 60 }, (_, power) => 2 ** power);

/** Where a drag is too short to be meant. */
const dragMin = 5;

export function TimeSeries(properties: Properties) {
  const { title, times, lines, start, end, format, formatTime, height = 200, sync, legend = true } = properties;
  const [at, setAt] = useState<number | null>(null);
  useUtc();
  const zoom = useRef(properties.onZoom);
  useEffect(() => {
    zoom.current = properties.onZoom;
  });
  const names = lines.map((line) => line.name).join("\n");
  const data = useMemo(() => [times, ...lines.map((line) => line.values)] as uPlot.AlignedData, [times, lines]);
  const range = useRef({ start, end });
  range.current = { start, end };

  const options = useMemo((): Omit<uPlot.Options, "width" | "height"> => {
    const count = names === "" && lines.length === 0 ? 0 : names.split("\n").length;
    return {
      legend: { show: false },
      padding: [roomAbove, roomRight, 0, 0],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        ...(sync ? { sync: { key: sync } } : {}),
      },
      scales: {
        x: { time: true, range: () => [range.current.start, range.current.end] },
        y: { range: (_chart, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        {
          ...axisStyle(),
          space: 80,
          size: axisHeight,
          values: (_chart, ticks, _axis, _space, increment) => timeLabels(ticks, increment),
        },
        {
          ...axisStyle(),
          size: axisWidth,
          space: 28,
          values: (_chart, values) => values.map((one) => format(one)),
          ...(format(1024).includes("KiB") ? { incrs: powersOfTwo } : {}),
        },
      ],
      series: [
        {},
        ...Array.from({ length: count }, (_, index) => ({
          stroke: () => token(seriesToken(index)),
          width: 1.5,
          points: { size: 4 },
          spanGaps: false,
        })),
      ],
      hooks: {
        setCursor: [(chart) => setAt(chart.cursor.idx ?? null)],
        setSelect: [
          (chart) => {
            const { left, width } = chart.select;
            if (width < dragMin) return;
            zoom.current?.(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }, [names, lines.length, sync, format]);

  const time = at === null ? undefined : times[at];
  const spoken = `${title} over time, ${lines.length} ${lines.length === 1 ? "line" : "lines"}; the figures are in the table below`;
  return (
    <figure className="chart" aria-label={spoken} style={{ margin: 0 }}>
      <div className="chart-head">
        <h2 className="chart-title">{title}</h2>
        <span className="chart-reading quiet small">{time === undefined ? "" : formatTime(time)}</span>
      </div>
      <Laid start={start} end={end} overlay={properties.overlay}>
        <Plot options={options} data={data} height={height} />
      </Laid>
      {legend || at !== null ? (
        <ul className="chart-legend" aria-label={`Lines of ${title}`}>
          {lines.map((line, index) => (
            <li key={line.name}>
              <span className="chart-swatch" style={{ background: `var(${seriesToken(index)})` }} />
              {line.label}
              {at === null ? null : <span className="quiet">{format(line.values[at] ?? null)}</span>}
            </li>
          ))}
        </ul>
      ) : null}
      <FiguresTable title={title} times={times} lines={lines} format={format} formatTime={formatTime} />
    </figure>
  );
}

type Figures = Pick<Properties, "title" | "times" | "lines" | "format" | "formatTime">;

/** The figures of the lines, made only when it is opened. */
function FiguresTable({ title, times, lines, format, formatTime }: Figures) {
  const [open, setOpen] = useState(false);
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Figures of {title}</summary>
      {open ? (
        <Scroll label="Figures">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">time</th>
                {lines.map((line) => (
                  <th key={line.name} scope="col" className="number">
                    {line.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, at) => (
                <tr key={time}>
                  <td>{formatTime(time)}</td>
                  {lines.map((line) => (
                    <td key={line.name} className="number">
                      {format(line.values[at] ?? null)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </details>
  );
}
