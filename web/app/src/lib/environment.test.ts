// The environment is one chip, whichever of its two names it has.
import { expect, it } from "vitest";
import { environmentOf, withEnvironment } from "./environment";
import type { Chip } from "./search";

const production: Chip = { field: "deployment.environment.name", operator: "=", value: "production" };
const staging: Chip = { field: "deployment.environment", operator: "=", value: "staging" };
const slow: Chip = { field: "duration_ns", operator: ">", value: 1e9 };
const others: Chip = { field: "deployment.environment.name", operator: "!=", value: "test" };

it("is found among the chips, and replaced by another one under its older name", () => {
  expect(environmentOf([slow, others])).toBeUndefined();
  expect(environmentOf([slow, production])).toEqual(production);
  expect(withEnvironment([slow, production], staging)).toEqual([staging, slow]);
});

it("leaves the other chips when it is taken away", () => {
  expect(withEnvironment([production, others], undefined)).toEqual([others]);
  expect(withEnvironment([production], undefined)).toBeUndefined();
});
