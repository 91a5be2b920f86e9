// uPlot in React: made once for its options and colours, given new data and sizes without being made again.
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./charts.css";
import { useScheme } from "./colours";

type Properties = {
  /** All but the size. A new object makes a new chart, so keep it (useMemo). */
  options: Omit<uPlot.Options, "width" | "height">;
  data: uPlot.AlignedData;
  height: number;
  /** The chart, for whoever has to draw it again or ask where something is. */
  plot?: RefObject<uPlot | null>;
};

export function Plot({ options, data, height, plot }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const own = useRef<uPlot | null>(null);
  const shown = useRef(data);
  const scheme = useScheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read when the chart is made, so a new scheme makes a new one
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const size = () => ({ width: Math.max(100, element.clientWidth), height });
    const chart = new uPlot({ ...options, ...size() }, shown.current, element);
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
  }, [options, height, plot, scheme]);

  useEffect(() => {
    if (shown.current === data) return;
    shown.current = data;
    own.current?.setData(data);
  }, [data]);

  return <div ref={place} className="plot" style={{ height }} />;
}
