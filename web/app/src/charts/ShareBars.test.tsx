// The small charts as a screen reader has them.
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { ShareBars, ShareLegend } from "./ShareBars";
import { runsOf, Sparkline } from "./Sparkline";

afterEach(cleanup);

test("bars are a table with both shares", () => {
  const row = {
    key: "a",
    name: "globex",
    selection: 0.906,
    baseline: 0,
    selectionCount: "58 of 64",
    actions: <button type="button">more</button>,
  };
  render(<ShareBars caption="Shares of tenant.id" rows={[row]} />);
  expect(screen.getByRole("table", { name: "Shares of tenant.id" })).toBeTruthy();
  expect(screen.getByRole("rowheader", { name: "globex" })).toBeTruthy();
  const cells = screen.getAllByRole("cell").map((cell) => cell.textContent);
  expect(cells).toEqual(["90.6 %58 of 64", "0 %", "more"]);
});

test("nothing has no bar, and little has one that can be seen", () => {
  const { container } = render(
    <ShareBars caption="c" rows={[{ key: "a", name: "a", selection: 0.00001, baseline: 0 }]} />,
  );
  expect(container.querySelector(".share-selection")?.getAttribute("width")).toBe("0.6");
  expect(container.querySelector(".share-baseline")?.getAttribute("width")).toBe("0");
});

test("the legend says what the colours are", () => {
  render(<ShareLegend selection="the chosen" baseline="the rest" />);
  expect(screen.getByRole("list", { name: "What the colours are" }).textContent).toBe("the chosenthe rest");
});

test("a line has a gap where there is no figure", () => {
  expect(runsOf([1, null, 2, 3]).map((run) => run.length)).toEqual([1, 2]);
  expect(runsOf([null, Number.NaN])).toEqual([]);
  const { container } = render(<Sparkline values={[1, null, 2, 3]} label="Requests" />);
  expect(screen.getByRole("img", { name: "Requests" })).toBeTruthy();
  expect(container.querySelectorAll("circle")).toHaveLength(1);
  expect(container.querySelectorAll("polyline")).toHaveLength(1);
});

test("a line of nothing lies at the bottom", () => {
  const { container } = render(<Sparkline values={[0, 0]} label="None" width={10} height={20} />);
  expect(container.querySelector("polyline")?.getAttribute("points")).toBe("0.0,18.0 10.0,18.0");
});
