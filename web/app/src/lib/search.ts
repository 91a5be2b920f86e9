// The search parameters that every page carries: the time asked for and the filter chips; and what these are to the API.
import type { ApiRange } from "../api/types";

export const operators = ["=", "!=", ">", ">=", "<", "<=", "contains", "lacks", "exists", "missing"] as const;
export type Operator = (typeof operators)[number];

/** One filter: a field, how it is compared, and with what. */
export type Chip = { field: string; operator: Operator; value: string | number | boolean | null };

/**
 * Either `last` (until now) or `from` and `to` (RFC 3339 or a number since 1970), and the chips, all of which must hold.
 * `live` says whether the page asks again by itself as time goes on; a fixed time cannot.
 */
export type Search = { last?: string; from?: string; to?: string; live?: boolean; where?: Chip[] };

export const defaultLast = "1h";

/** A parameter as text: the router reads a bare number in an address as a number. */
export function readText(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** A list of texts, or nothing if there is none. */
export function readTexts(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).map(readText).filter((one) => one !== undefined);
  return all.length ? all : undefined;
}

function readChip(value: unknown): Chip | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const raw = value as Record<string, unknown>;
  const operator = operators.find((one) => one === raw.operator);
  if (typeof raw.field !== "string" || raw.field === "" || !operator) return undefined;
  const given = raw.value;
  const plain = typeof given === "string" || typeof given === "number" || typeof given === "boolean";
  return { field: raw.field, operator, value: plain ? given : null };
}

/** Reads what every page carries from an address; what it cannot understand it leaves out. */
export function readSearch(raw: Record<string, unknown>): Search {
  const search: Search = {};
  const [last, from, to] = [readText(raw.last), readText(raw.from), readText(raw.to)];
  if (from) {
    search.from = from;
    if (to) search.to = to;
  } else if (last && /^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(last)) search.last = last;
  if (!search.from && typeof raw.live === "boolean") search.live = raw.live;
  const chips = (Array.isArray(raw.where) ? raw.where : []).map(readChip).filter((chip) => chip !== undefined);
  if (chips.length) search.where = chips;
  return search;
}

/** The time asked for, as the body of a question has it. */
export function rangeOf(search: Search): ApiRange {
  if (search.from) return search.to ? { start: search.from, end: search.to } : { start: search.from };
  return { last: search.last ?? defaultLast };
}

/** A field's name in SQL: quoted only if it must be. */
export function sqlName(field: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`;
}

/** A value in SQL. */
export function sqlValue(value: Chip["value"]): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

function chipCondition({ field, operator, value }: Chip): string {
  const name = sqlName(field);
  if (operator === "exists") return `${name} IS NOT NULL`;
  if (operator === "missing") return `${name} IS NULL`;
  if (operator === "contains") return `strpos(${name}, ${sqlValue(String(value ?? ""))}) > 0`;
  if (operator === "lacks") return `(${name} IS NULL OR strpos(${name}, ${sqlValue(String(value ?? ""))}) = 0)`;
  if (value === null) return operator === "!=" ? `${name} IS NOT NULL` : `${name} IS NULL`;
  // An event without the field is also one that does not have this value.
  if (operator === "!=") return `(${name} IS NULL OR ${name} <> ${sqlValue(value)})`;
  return `${name} ${operator} ${sqlValue(value)}`;
}

/** The chips as the SQL condition of the API, or nothing if there are none. */
export function conditionOf(chips: Chip[] | undefined): string | undefined {
  return chips?.length ? chips.map(chipCondition).join(" AND ") : undefined;
}

const inverse: Record<Operator, Operator> = {
  "=": "!=",
  "!=": "=",
  ">": "<=",
  "<=": ">",
  "<": ">=",
  ">=": "<",
  contains: "lacks",
  lacks: "contains",
  exists: "missing",
  missing: "exists",
};

/** The chip that keeps what this one leaves out. */
export function invertChip(chip: Chip): Chip {
  return { ...chip, operator: inverse[chip.operator] };
}

/** The chips with one more; one that is there already is not put twice. */
export function withChip(chips: Chip[] | undefined, chip: Chip): Chip[] {
  const others = (chips ?? []).filter((one) => one.field !== chip.field || one.value !== chip.value);
  return [...others, chip];
}
