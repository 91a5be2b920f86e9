// Which part of a map is drawn, and how far its places are apart.
import { expect, test } from "vitest";
import type { ApiMap, ApiNode, Edge } from "../../api/types";
import { callId, drawnMax, graphOf, hopsFrom, partOf } from "./graph";

const figures = { calls: 10, errors: 0, rate: 1, p50_ns: 1e6, p95_ns: 2e6, p99_ns: 3e6 };
const node = (name: string, calls = 10): ApiNode => ({
  ...figures,
  calls,
  id: `service:${name}`,
  kind: "service",
  name,
  query: "SELECT 1",
  spans: 10,
});
const edge = (from: string, to: string): Edge => ({
  ...figures,
  from: `service:${from}`,
  to: `service:${to}`,
  kind: "call",
  query: "SELECT 1",
  server_errors: 0,
  unanswered: 0,
});
const mapOf = (nodes: ApiNode[], edges: Edge[], more: Partial<ApiMap> = {}): ApiMap =>
  ({ nodes, edges, ...more }) as ApiMap;

const shop = mapOf(
  ["browser", "shop", "pay", "stock", "alone"].map((name) => node(name)),
  [edge("browser", "shop"), edge("shop", "pay"), edge("shop", "stock")],
);

test("hops go along and against calls", () => {
  const found = hopsFrom(graphOf(shop), "service:pay", 2);
  expect([...found]).toEqual([
    ["service:pay", 0],
    ["service:shop", 1],
    ["service:browser", 2],
    ["service:stock", 2],
  ]);
});

test("a small map is drawn whole, and around a place if one is named", () => {
  const graph = graphOf(shop);
  expect(partOf(graph, undefined, undefined)).toMatchObject({ hidden: 0, around: undefined });
  const part = partOf(graph, "service:pay", undefined);
  expect(part.places.map(({ name }) => name)).toEqual(["shop", "pay"]);
  expect(part).toMatchObject({ hops: 1, hidden: 3 });
  expect(part.calls).toHaveLength(1);
  expect(partOf(graph, "service:gone", 2).hidden).toBe(0);
});

test("a large map is drawn around its busiest place, never more than can be drawn", () => {
  const names = Array.from({ length: 400 }, (_, index) => `s${index}`);
  const chain = mapOf(
    names.map((name, index) => node(name, index === 200 ? 1000 : 10)),
    names.slice(1).map((name, index) => edge(`s${index}`, name)),
  );
  const part = partOf(graphOf(chain), undefined, undefined);
  expect(part.around).toBe("service:s200");
  expect(part.places.length).toBe(19);
  const star = mapOf(
    [node("hub", 1000), ...names.map((name, index) => node(name, index))],
    names.map((name) => edge("hub", name)),
  );
  const near = partOf(graphOf(star), undefined, undefined);
  expect(near.places.length).toBe(drawnMax);
  expect(near.places.some(({ name }) => name === "s399")).toBe(true);
  expect(near.places.some(({ name }) => name === "s0")).toBe(false);
});

test("what vanished is there, with the figures it had", () => {
  const gone = edge("shop", "mail");
  const map = mapOf(shop.nodes, shop.edges, {
    difference: {
      nodes: [{ base: node("mail"), changed: ["vanished"] }],
      edges: [{ base: gone, changed: ["vanished"] }],
    } as unknown as NonNullable<ApiMap["difference"]>,
  });
  const graph = graphOf(map);
  expect(graph.places.at(-1)).toMatchObject({ name: "mail", changed: ["vanished"] });
  expect(graph.calls.at(-1)?.id).toBe(callId(gone));
});
