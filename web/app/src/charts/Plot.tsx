// uPlot in React: made once for its options and colours, given new data and sizes without being made again.
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./charts.css";
import { useUtc } from "../ui/useUtc";
import { useScheme } from "./colours";

type Properties = {
  /** All but the size. A new object makes a new chart, so keep it (useMemo). */
  options: Omit<uPlot.Options, "width" | "height">;
  data: uPlot.AlignedData;
  height: number;
  /** The chart, for whoever has to draw it again or ask where something is. */
  plot?: RefObject<uPlot | null>;
};

/** Ticks stand at whole hours and days of UTC. */
const inUtc = (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");

export function Plot({ options, data, height, plot }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const own = useRef<uPlot | null>(null);
  const shown = useRef(data);
  const scheme = useScheme();
  const [utc] = useUtc();

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours and the zone are read when the chart is made, so others make a new one
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const size = () => ({ width: Math.max(100, element.clientWidth), height });
    const chart = new uPlot({ ...options, ...size(), ...(utc ? { tzDate: inUtc } : {}) }, shown.current, element);
    own.current = chart;
    if (plot) plot.current = chart;
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth !== chart.width) chart.setSize(size());
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      chart.destroy();
      own.current = null;
      if (plot) plot.current = null;
    };
  }, [options, height, plot, scheme, utc]);

  useEffect(() => {
    if (shown.current === data) return;
    shown.current = data;
    own.current?.setData(data);
  }, [data]);

  return <div ref={place} className="plot" style={{ height }} />;
}
