// The tables of the map: sorted by their heads, and every row can be chosen.
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import type { Graph, Place } from "./graph";
import { MapTable } from "./MapTable";

const place = (name: string, calls: number, p95_ns: number): Place => ({
  id: `service:${name}`,
  kind: "service",
  name,
  calls,
  errors: 0,
  rate: 1,
  p50_ns: 1e6,
  p95_ns,
  p99_ns: 9e9,
  query: "",
  spans: 1,
  changed: [],
  base: undefined,
});
const graph: Graph = { places: [place("shop", 30, 2e6), place("pay", 10, 9e6), place("stock", 20, 1e6)], calls: [] };

afterEach(cleanup);

const names = () => {
  const [table] = screen.getAllByRole("table");
  return within(table as HTMLElement)
    .getAllByRole("row")
    .slice(1)
    .map((row) => within(row).getByRole("button").textContent);
};

test("the busiest come first, and a head sorts both ways", async () => {
  render(<MapTable graph={graph} compared={false} chosen={undefined} onChoose={() => {}} />);
  expect(names()).toEqual(["shop", "stock", "pay"]);
  const [p95] = screen.getAllByRole("button", { name: "p95" });
  await userEvent.click(p95 as HTMLElement);
  expect(names()).toEqual(["pay", "shop", "stock"]);
  expect(screen.getAllByRole("columnheader", { name: "p95" })[0]?.getAttribute("aria-sort")).toBe("descending");
  await userEvent.click(p95 as HTMLElement);
  expect(names()).toEqual(["stock", "shop", "pay"]);
});

test("a place is chosen by its name", async () => {
  const onChoose = vi.fn();
  render(<MapTable graph={graph} compared chosen={undefined} onChoose={onChoose} />);
  await userEvent.click(screen.getByRole("button", { name: "pay" }));
  expect(onChoose).toHaveBeenCalledWith("service:pay");
  expect(screen.getAllByRole("columnheader", { name: "Since before" })).toHaveLength(2);
});
