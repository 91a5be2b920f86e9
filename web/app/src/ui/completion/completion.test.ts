// Completion of names in conditions.
import { expect, test } from "vitest";
import { completionsOf, valueCompletions, valuePlace } from "./completion";

const names = ["http.route", "status_code", "http.response.status_code", "odd key"];

test("the name at the end is completed where a name is due", () => {
  expect(completionsOf("stat", names)).toEqual(["status_code", "http.response.status_code"]);
  expect(completionsOf("a = 1 AND http.r", names)).toEqual([
    "a = 1 AND http.route",
    "a = 1 AND http.response.status_code",
  ]);
  expect(completionsOf("(", names)).toHaveLength(4);
  expect(completionsOf("odd", names)).toEqual(['"odd key"']);
});

test("nothing is offered inside a value or where a value is due", () => {
  expect(completionsOf("name = 'stat", names)).toEqual([]);
  expect(completionsOf("status_code = stat", names)).toEqual([]);
  expect(completionsOf("status_code", names)).toEqual(["http.response.status_code"]);
});

test("offers the values of the field before it", () => {
  const place = valuePlace("status_code = 'error' AND http.route = '/b");
  expect(place).toEqual({ field: "http.route", start: "status_code = 'error' AND http.route = ", part: "/b" });
  const offered = valueCompletions(place ?? { field: "", start: "", part: "" }, ["/buy", "/orders", "/bill's"], true);
  expect([...offered.keys()].map((text) => text.slice(text.lastIndexOf("=") + 2))).toEqual(["'/buy'", "'/bill''s'"]);
  expect(valuePlace('"odd-key" IN (1, ')).toMatchObject({ field: "odd-key", part: "" });
});

test("offers no values inside a text, nor before something is compared", () => {
  expect(valuePlace("name = 'a = ")?.part).toBe("a = ");
  expect(valuePlace("name = 'x' AND status")).toBeUndefined();
  expect(valuePlace("duration_ns > 5")).toBeUndefined();
});
