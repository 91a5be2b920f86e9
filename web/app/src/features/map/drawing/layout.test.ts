// Where places are put, and how lines run between them.
import { expect, test } from "vitest";
import { lineThrough, middleOf, type Plan, placeTowards, placeWidth } from "./layout";
import { positionsOf } from "./positions";

/** Places by their names, and calls as `caller called`. */
const graphOf = (names: string[], calls: string[]): Plan => ({
  places: names.map((name) => ({ id: `service:${name}` })),
  calls: calls.map((id) => {
    const [from = "", to = ""] = id.split(" ");
    return { id, from: `service:${from}`, to: `service:${to}`, calls: 10 };
  }),
});
const shop = graphOf(["browser", "shop", "pay", "stock", "alone"], ["browser shop", "shop pay", "shop stock"]);

test("callers are left of what they call, and lines go from side to side", () => {
  const { places, calls } = positionsOf(shop);
  const at = (name: string) => places.get(`service:${name}`) ?? { x: -1, y: -1 };
  expect(at("browser").x).toBeLessThan(at("shop").x);
  expect(at("shop").x).toBeLessThan(at("pay").x);
  const line = calls.get("browser shop") ?? [];
  expect(line[0]?.x).toBe(at("browser").x + placeWidth);
  expect(line.at(-1)?.x).toBe(at("shop").x);
  expect(placeTowards(places, "service:browser", "ArrowRight")).toBe("service:shop");
  expect(placeTowards(places, "service:browser", "ArrowLeft")).toBeUndefined();
});

test("a circle of calls and a call to oneself can be laid out", () => {
  const circle = graphOf(["one", "two"], ["one two", "two one", "one one"]);
  const { calls } = positionsOf(circle);
  expect([...calls.values()].every((points) => points.length >= 2)).toBe(true);
});

test("a line is a path, and its label is in its middle", () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 20 },
  ];
  expect(lineThrough(points)).toBe("M0,0C5,0 5,20 10,20");
  expect(lineThrough([])).toBe("");
  expect(middleOf(points)).toEqual({ x: 5, y: 10 });
});
