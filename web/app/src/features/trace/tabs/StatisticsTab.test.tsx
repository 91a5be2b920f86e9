// The statistics as a person uses them: sorting, another field, and the way to a span.
import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { Span } from "../../../api/types";
import { buildTrace } from "../model/build";
import { shapeOfTrace } from "../model/shape";
import { StatisticsTab } from "./StatisticsTab";

afterEach(cleanup);

const spanOf = (id: string, parent: string | null, name: string, duration: number): Span => ({
  span_id: id,
  parent_span_id: parent,
  name,
  kind: "server",
  time: "1795653695892000000",
  received_at: "1795653695892000000",
  duration_ns: duration,
  status_code: "unset",
  "service.name": "shop",
  sample_weight: 1,
  attributes: {},
  resource: {},
  scope: {},
  links: [],
  events: [],
});

it("sorts by the column that is clicked and leads to the spans", async () => {
  const spans = [spanOf("a", null, "GET /", 100), spanOf("b", "a", "SELECT", 70), spanOf("c", "a", "SELECT", 70)];
  const trace = buildTrace(shapeOfTrace({ trace_id: "ab".repeat(16), spans, logs: [], damaged_parts: 0 }));
  const whole = { state: "here" as const, error: null, want: vi.fn(), read: vi.fn() };
  const onChoose = vi.fn();
  const person = userEvent.setup();
  render(
    <MantineProvider env="test">
      <StatisticsTab trace={trace} whole={whole} by={undefined} onBy={() => undefined} onChoose={onChoose} />
    </MantineProvider>,
  );
  const names = () =>
    screen
      .getAllByRole("row")
      .slice(1)
      .map((row) => within(row).getByRole("button").textContent);
  expect(names()).toEqual(["shop · SELECT", "shop · GET /"]);
  await person.click(screen.getByRole("button", { name: /Spans/ }));
  expect(names()[0]).toBe("shop · SELECT");
  await person.click(screen.getByRole("button", { name: /Spans/ }));
  expect(names()[0]).toBe("shop · GET /");
  expect(screen.getByRole("columnheader", { name: /Spans/ }).getAttribute("aria-sort")).toBe("ascending");
  await person.click(screen.getByRole("button", { name: "shop · SELECT" }));
  expect(onChoose).toHaveBeenCalledWith(1);
});
