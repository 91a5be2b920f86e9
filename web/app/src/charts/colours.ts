// The colours of charts: what tokens.css says now, for canvases that cannot read it themselves.
import { useSyncExternalStore } from "react";

function watch(changed: () => void): () => void {
  const watcher = new MutationObserver(changed);
  watcher.observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  return () => watcher.disconnect();
}

/** Light or dark; whoever draws asks anew when it changes. */
export function useScheme(): string {
  return useSyncExternalStore(watch, () => document.documentElement.dataset.mantineColorScheme ?? "light");
}

/** A colour of tokens.css, such as `--line`. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

/** The token of the nth series; they begin again after eight. */
export function seriesToken(index: number): string {
  return `--series-${(index % 8) + 1}`;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** So many shades from one colour (`#rrggbb`) to another. */
export function shades(low: string, high: string, count: number): string[] {
  const [from, to] = [channels(low), channels(high)];
  return Array.from({ length: count }, (_, step) => {
    const mixed = from.map((value, at) => Math.round(value + ((to[at] ?? value) - value) * (step / (count - 1))));
    return `rgb(${mixed.join(" ")})`;
  });
}

/** What all axes have in common; colours are asked for at each drawing, since light and dark may change. */
export function axisStyle() {
  const line = { stroke: () => token("--line"), width: 1 };
  const stroke = () => token("--text-quiet");
  return { stroke, grid: line, ticks: { ...line, size: 4 }, font: `11px ${token("--font")}` };
}
