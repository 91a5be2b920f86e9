// The map in words: rates, differences, and the filters that keep a place or a call.
import { expect, test } from "vitest";
import type { Call, Graph, Place } from "./graph";
import { chipsOf, chipsOfCall, differenceLines, errorLevel, figureWords, markOf, rateWords } from "./words";

const figures = { calls: 100, errors: 3, rate: 4.517, p50_ns: 36e6, p95_ns: 571e6, p99_ns: 1.2e9 };
const place = (id: string, more: Partial<Place> = {}): Place => ({
  ...figures,
  id,
  kind: id.split(":")[0] as Place["kind"],
  name: id.slice(id.indexOf(":") + 1),
  query: "",
  spans: 1,
  changed: [],
  base: undefined,
  ...more,
});
const call = (from: string, to: string, more: Partial<Call> = {}): Call => ({
  ...figures,
  id: `${from} ${to}`,
  from,
  to,
  kind: "call",
  query: "",
  server_errors: 0,
  unanswered: 0,
  changed: [],
  base: undefined,
  ...more,
});

test("slow rates are told by the minute or the hour", () => {
  expect([4.517, 0.05, 0.000278, 0, null, 1234.5].map(rateWords)).toEqual([
    "4.52/s",
    "3/min",
    "1/h",
    "0/s",
    "–",
    "1,235/s",
  ]);
});

test("figures are a line", () => {
  expect(figureWords(figures)).toBe("4.52/s, 3 % failed, p95 571 ms");
  expect(figureWords({ calls: 1, errors: 0, rate: 1 })).toBe("1/s, none failed");
  expect([0, 3, 5].map((errors) => errorLevel({ calls: 100, errors }))).toEqual(["none", "some", "many"]);
});

test("a difference is told in the order appeared, vanished, changed, and each thing once", () => {
  const graph: Graph = {
    places: [
      place("service:checkout", { changed: ["rate", "errors"], base: place("", { rate: 1, errors: 0 }) }),
      place("vendor:old.example", { changed: ["vanished"], base: place("", { rate: 2 }) }),
      place("vendor:new.example", { changed: ["appeared"] }),
      place("vendor:pay.example"),
    ],
    calls: [
      call("service:checkout", "vendor:new.example", { changed: ["appeared"] }),
      call("service:checkout", "vendor:pay.example", {
        changed: ["latency"],
        base: call("", "", { p50_ns: 7e6 }),
      }),
    ],
  };
  expect(differenceLines(graph).map(({ mark, name, what }) => `${mark} ${name} ${what}`)).toEqual([
    "+ vendor new.example appeared: 4.52/s, 3 % failed, p95 571 ms",
    "- vendor old.example vanished; it had 2/s, 3 % failed, p95 571 ms",
    "~ service checkout rate 1/s → 4.52/s; failed 0 % → 3 %",
    "~ checkout calls pay.example p50 7 ms → 36 ms",
  ]);
  expect(markOf([])).toBeUndefined();
});

test("the filters of a place come from its id", () => {
  const said = (one: Place) => chipsOf(one)?.map(({ field, value }) => `${field}=${value}`);
  expect(said(place("service:a%2Fb"))).toEqual(["service.name=a/b"]);
  expect(chipsOf(place("service:"))).toEqual([{ field: "service.name", operator: "missing", value: null }]);
  expect(said(place("store:postgresql//shop"))).toEqual(["db.system.name=postgresql", "db.namespace=shop"]);
  expect(said(place("queue:kafka/orders"))).toEqual(["messaging.system=kafka", "messaging.destination.name=orders"]);
  expect(said(place("vendor:pay.example"))).toEqual(["server.address=pay.example"]);
  // A known vendor has many hosts.
  expect(chipsOf(place("vendor:Stripe", { category: "payments" }))).toBeUndefined();
});

test("a call is kept by its caller and by what that says it calls", () => {
  const graph: Graph = {
    places: [place("service:a"), place("service:b"), place("vendor:pay.example"), place("queue:kafka/orders")],
    calls: [],
  };
  const said = (from: string, to: string) =>
    chipsOfCall(graph, call(from, to)).map(({ field, value }) => `${field}=${value}`);
  expect(said("service:a", "vendor:pay.example")).toEqual(["service.name=a", "server.address=pay.example"]);
  expect(said("service:a", "service:b")).toEqual(["service.name=a", "kind=client"]);
  expect(said("queue:kafka/orders", "service:b")).toEqual([
    "service.name=b",
    "messaging.system=kafka",
    "messaging.destination.name=orders",
  ]);
});
