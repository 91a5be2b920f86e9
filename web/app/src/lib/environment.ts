// The environment among the chips: production, staging, whatever the data names.
import type { Chip } from "./search";

/** The names that it has in OpenTelemetry's conventions, the one of today first. */
export const environmentFields = ["deployment.environment.name", "deployment.environment"];

function isEnvironment(chip: Chip): boolean {
  return chip.operator === "=" && typeof chip.value === "string" && environmentFields.includes(chip.field);
}

/** The chip that chooses one; conditions of another kind on its fields are chips like all others. */
export function environmentOf(chips: Chip[] | undefined): Chip | undefined {
  return chips?.find(isEnvironment);
}

/** The chips with this environment in the place of the one before; without any if none is given. */
export function withEnvironment(chips: Chip[] | undefined, chosen: Chip | undefined): Chip[] | undefined {
  const others = (chips ?? []).filter((chip) => !isEnvironment(chip));
  const all = chosen ? [chosen, ...others] : others;
  return all.length ? all : undefined;
}
