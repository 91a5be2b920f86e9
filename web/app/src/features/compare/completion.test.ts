// Completion of names in conditions.
import { expect, test } from "vitest";
import { completionsOf } from "./completion";

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
