// A line the size of a word: how a figure went over time. It is drawn without axes, so it always comes with a label.
import "./sparkline.css";

type Properties = {
  /** The figure of each step; null where there is none, which leaves a gap. */
  values: readonly (number | null)[];
  /** What a screen reader says in its place. */
  label: string;
  tone?: "plain" | "bad";
  /** Where notes are pinned, from 0 to 1; what they say belongs into the label. */
  marks?: readonly number[];
  width?: number;
  height?: number;
};

export function Sparkline({ values, label, tone = "plain", marks = [], width = 120, height = 24 }: Properties) {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const runs = runsOf(values).map((run) =>
    run.map(({ place, value }) => ({
      x: place * step,
      y: most > 0 ? height - 2 - (value / most) * (height - 4) : height - 2,
    })),
  );
  return (
    <svg
      className={`sparkline sparkline-${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {marks.map((place) => (
        <line key={place} x1={place * width} x2={place * width} y1={0} y2={height} />
      ))}
      {runs.map((points) => {
        const line = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
        const [first, last] = [points[0], points.at(-1)];
        if (!first || !last) return null;
        return (
          <g key={first.x}>
            <polygon points={`${first.x.toFixed(1)},${height} ${line} ${last.x.toFixed(1)},${height}`} />
            {points.length > 1 ? <polyline points={line} /> : <circle cx={first.x} cy={first.y} r={1.5} />}
          </g>
        );
      })}
    </svg>
  );
}

type Point = { place: number; value: number };

/** The stretches without a gap. */
export function runsOf(values: readonly (number | null)[]): Point[][] {
  const runs: Point[][] = [];
  let open: Point[] | undefined;
  values.forEach((value, place) => {
    if (value === null || !Number.isFinite(value)) {
      open = undefined;
      return;
    }
    if (!open) {
      open = [];
      runs.push(open);
    }
    open.push({ place, value });
  });
  return runs;
}
