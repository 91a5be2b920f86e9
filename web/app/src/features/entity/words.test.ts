// The page's own words: hops, positions, which fields are offered, and the chip of an entity.
import { expect, test } from "vitest";
import type { EntityHop, Field } from "../../api/types";
import {
  chipOf,
  fieldNames,
  hopName,
  hopWords,
  pieces,
  positionWords,
  sentence,
  usefulFields,
  weightiestHop,
} from "./words";

const hop = (given: Partial<EntityHop>): EntityHop => ({
  duration_ns: 5e6,
  failed: false,
  hop: 1,
  kind: "service",
  name: "shop",
  operation: "GET /",
  self_time_ns: 1e6,
  ...given,
});
const field = (name: string, events = 10): Field => ({ name, events, exact: true, share: 1, type: "string" });

test("names between backticks are told from prose", () => {
  expect(pieces("it comes from vendor `pay.example`, third hop")).toEqual([
    { text: "it comes from vendor ", name: false },
    { text: "pay.example", name: true },
    { text: ", third hop", name: false },
  ]);
});

test("a statement begins as a sentence does", () => {
  expect(sentence("typical: p99 310 ms")).toBe("Typical: p99 310 ms");
  expect(sentence("p99 2.1 s, slower than 99% of users")).toBe("p99 2.1 s, slower than 99% of users");
});

test("hops are named and told in words", () => {
  expect(hopName(3)).toBe("third hop");
  expect(hopName(12)).toBe("12th hop");
  expect(hopWords(hop({}))).toEqual({ verb: "came to", outcome: "5 ms" });
  const failed = hop({ hop: 3, kind: "vendor", failed: true, message: "card declined" });
  expect(hopWords(failed)).toEqual({ verb: "called vendor", outcome: "failed after 5 ms: card declined" });
});

test("the weightiest hop is the innermost failure, or else the longest own time", () => {
  const slow = hop({ hop: 3, kind: "vendor", self_time_ns: 9e6 });
  expect(weightiestHop([hop({}), slow])).toBe(slow);
  const inner = hop({ hop: 2, failed: true });
  expect(weightiestHop([hop({ failed: true }), inner, slow])).toBe(inner);
  expect(weightiestHop([])).toBeUndefined();
});

test("a position says nothing that it does not know", () => {
  expect(positionWords(0.973, "slower")).toBe("slower than 97.3 % of others");
  expect(positionWords(1, "slower")).toBe("slower than all others");
  expect(positionWords(0, "slower")).toBe("not slower than any other");
});

test("people come before things, and measures are not offered", () => {
  const fields = ["time", "http.route", "app.cart.id", "user.id", "duration_ns", "kind"].map((name) => field(name));
  expect(usefulFields(fields).map(({ name }) => name)).toEqual(["user.id", "http.route", "app.cart.id"]);
  expect(fieldNames(fields)).toEqual(["user.id", "http.route", "app.cart.id", "kind"]);
});

test("a chip has the type of its field", () => {
  expect(chipOf("http.response.status_code", "500", "int64").value).toBe(500);
  expect(chipOf("user.id", "4711", "string").value).toBe("4711");
  expect(chipOf("app.retried", "true", "boolean").value).toBe(true);
});
