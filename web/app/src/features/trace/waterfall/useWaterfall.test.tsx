// The waterfall's state and keys, without its drawing.
import { act, cleanup, fireEvent, renderHook } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Span } from "../../../api/types";
import { buildTrace } from "../model/build";
import { shapeOfTrace } from "../model/shape";
import { useKeys } from "./useKeys";
import { useWaterfall } from "./useWaterfall";

afterEach(cleanup);

const spanOf = (id: string, parent: string | null, start: number): Span => ({
  span_id: id,
  parent_span_id: parent,
  name: id.startsWith("k") ? "SELECT" : id,
  kind: "client",
  time: String(1_795_653_695_892_000_000n + BigInt(start)),
  received_at: "1795653695892000000",
  duration_ns: id === "a" ? 1000 : 10,
  status_code: "unset",
  "service.name": "shop",
  sample_weight: 1,
  attributes: { id },
  resource: {},
  scope: {},
  links: [],
  events: [],
});
const many = Array.from({ length: 20 }, (_, place) => spanOf(`k${place}`, "a", place * 10));
const trace = buildTrace(
  shapeOfTrace({
    trace_id: "ab".repeat(16),
    spans: [spanOf("a", null, 0), ...many, spanOf("b", "a", 500), spanOf("c", "b", 505)],
    logs: [],
    damaged_parts: 0,
  }),
);

function start(chosen = -1) {
  const open = vi.fn();
  const close = vi.fn();
  const hook = renderHook(() => {
    const view = useWaterfall(trace, chosen, { time: undefined, onTime: () => undefined });
    useKeys(trace, view, { open, close, search: { current: null } });
    return view;
  });
  const press = (key: string) => act(() => void fireEvent.keyDown(document.body, { key }));
  return { view: () => hook.result.current, press, open, close };
}

describe("the waterfall's keys", () => {
  it("move, fold and open", () => {
    const { view, press, open, close } = start();
    expect(view().rows).toHaveLength(4);
    press("ArrowDown");
    press("ArrowRight");
    expect(view().rows).toHaveLength(24);
    press("ArrowLeft");
    press("ArrowLeft");
    expect([view().rows.length, view().focus]).toEqual([4, 0]);
    press("]");
    expect(view().rows).toHaveLength(1);
    press("o");
    expect(view().rows).toHaveLength(3);
    press("[");
    expect(view().rows).toHaveLength(4);
    press("Enter");
    press("Escape");
    expect(open).toHaveBeenCalledWith(0);
    expect(close).toHaveBeenCalledOnce();
  });
  it("go from one found span to the next, opening what hides it", () => {
    const { view, press } = start();
    press("]");
    act(() => view().setText("id=k1"));
    expect(view().hits).toHaveLength(11);
    press("f");
    const row = view().rows[view().focus];
    expect(row?.kind === "span" ? trace.nodes[row.node]?.id : null).toBe("k1");
    press("b");
    const last = view().rows[view().focus];
    expect(last?.kind === "span" ? trace.nodes[last.node]?.id : null).toBe("k19");
  });
  it("choose the part of time", () => {
    const { view, press } = start();
    press("+");
    expect(view().window).toEqual({ start: 250, end: 750 });
    press("d");
    expect(view().window).toEqual({ start: 350, end: 850 });
    press("0");
    expect(view().window).toEqual({ start: 0, end: 1000 });
    press("End");
    press("z");
    expect(view().window).toEqual({ start: 504, end: 516 });
  });
  it("leave what is typed alone", () => {
    const { view } = start();
    const field = document.body.appendChild(document.createElement("input"));
    act(() => void fireEvent.keyDown(field, { key: "]" }));
    expect(view().rows).toHaveLength(4);
    field.remove();
  });
});

it("shows the span of the address, wherever it is folded away", () => {
  const { view } = start(trace.byId.get("k7"));
  const row = view().rows[view().focus];
  expect(row?.kind === "span" ? trace.nodes[row.node]?.id : null).toBe("k7");
});
