// Draws the part of the flame graph that is in view.
import type { SpanNode, TraceModel } from "../model/build";
import type { FlameLayout } from "../model/flame";

export const lineHeight = 20;

export type FlameView = { start: number; end: number; top: number; marked: number; chosen: number };

export function drawFlame(canvas: HTMLCanvasElement, trace: TraceModel, layout: FlameLayout, view: FlameView): void {
  const scale = globalThis.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const colours = new Map(trace.services.map((service) => [service.name, token(service.colour.slice(4, -1))]));
  const [paper, bad, accent] = [token("--raised"), token("--bad"), token("--accent")];
  context.font = `11px ${style.fontFamily}`;
  context.textBaseline = "middle";
  const perTime = width / (view.end - view.start);
  const first = Math.floor(view.top / lineHeight);
  const last = Math.min(layout.lines.length - 1, Math.ceil((view.top + height) / lineHeight));
  for (let line = first; line <= last; line++) {
    const y = line * lineHeight - view.top;
    let drawnTo = Number.NEGATIVE_INFINITY;
    for (const index of layout.lines[line] ?? []) {
      const node = trace.nodes[index] as SpanNode;
      if (node.start > view.end) break;
      if (node.end < view.start) continue;
      const left = Math.max(0, (node.start - view.start) * perTime);
      const right = Math.min(width, (node.end - view.start) * perTime);
      // What is narrower than a pixel is drawn once per pixel; of errors the mark always.
      const hidden = right <= drawnTo && right - left < 1;
      if (hidden && !node.error) continue;
      const wide = Math.max(1, right - left - 0.5);
      if (!hidden) drawnTo = left + 1;
      context.fillStyle = colours.get(node.service) ?? accent;
      if (!hidden) context.fillRect(left, y + 1, wide, lineHeight - 2);
      if (node.error) {
        context.fillStyle = bad;
        context.fillRect(left, y + lineHeight - 4, Math.max(2, wide), 3);
      }
      if (index === view.marked || index === view.chosen) {
        context.strokeStyle = token("--text");
        context.lineWidth = index === view.chosen ? 2 : 1;
        context.strokeRect(left + 0.5, y + 1.5, Math.max(1, wide - 1), lineHeight - 3);
      }
      if (wide > 30) {
        context.save();
        context.beginPath();
        context.rect(left, y, wide - 3, lineHeight);
        context.clip();
        context.fillStyle = paper;
        context.fillText(node.name, left + 4, y + lineHeight / 2);
        context.restore();
      }
    }
  }
}
