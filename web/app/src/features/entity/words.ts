// What the page says in its own words, beside the server's statement: places, positions among all, and which fields matter.
import type { EntityEveryone, EntityHop, Field } from "../../api/types";
import { formatDuration, formatPercent } from "../../lib/format";
import type { Chip } from "../../lib/search";

const ordinals = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

/** `third hop`, as the server says it. */
export function hopName(hop: number): string {
  return `${ordinals[hop] ?? `${hop}th`} hop`;
}

/** A statement in pieces: what stands between backticks is a name, the rest is prose. */
export function pieces(statement: string): { text: string; name: boolean }[] {
  return statement
    .split("`")
    .map((text, index) => ({ text, name: index % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

/** The server's statement as a sentence of its own; a `p99` at its beginning stays as it is. */
export function sentence(statement: string): string {
  return /^(p\d|`)/.test(statement) ? statement : statement.charAt(0).toUpperCase() + statement.slice(1);
}

/** What one hop did: `entered checkout (POST /orders) and failed after 12 ms: card declined`. */
export function hopWords(hop: EntityHop): { verb: string; outcome: string } {
  const verb = { service: hop.hop === 1 ? "came to" : "entered", vendor: "called vendor", store: "asked store" }[
    hop.kind
  ];
  const time = formatDuration(hop.duration_ns);
  if (!hop.failed) return { verb, outcome: time };
  return { verb, outcome: `failed after ${time}${hop.message ? `: ${hop.message}` : ""}` };
}

/** The hop that explains the request: the innermost failure, or else the longest own time. */
export function weightiestHop(hops: EntityHop[]): EntityHop | undefined {
  const failed = hops.filter((hop) => hop.failed);
  const deepest = Math.max(...failed.map((hop) => hop.hop));
  const among = failed.length ? failed.filter((hop) => hop.hop === deepest) : hops;
  return among.reduce<EntityHop | undefined>(
    (best, hop) => (best === undefined || hop.self_time_ns > best.self_time_ns ? hop : best),
    undefined,
  );
}

/** How many others these are, and whether that is all of them. */
export function othersWords(everyone: EntityEveryone): string {
  const count = Math.round(everyone.entities).toLocaleString("en-GB");
  return everyone.are_all ? `all ${count} others` : `${count} others that were looked at`;
}

/** `slower than 97.3 % of others`; at the ends it is said of all. */
export function positionWords(share: number, more: string): string {
  if (share >= 1) return `${more} than all others`;
  return share <= 0 ? `not ${more} than any other` : `${more} than ${formatPercent(share)} of others`;
}

/** Fields that people ask about, the most telling first. */
const telling = [
  "user.id",
  "enduser.id",
  "session.id",
  "tenant.id",
  "customer.id",
  "app.order.id",
  "http.route",
  "service.name",
  "service.version",
  "service.instance.id",
  "host.name",
  "k8s.pod.name",
  "deployment.environment.name",
];

/** Fields of which no value is an entity: times, measures, texts of programs. */
const never =
  /^(time|received_at|duration_ns|trace_id|span_id|parent_span_id|sample_weight|attribute_sources|otlp|status_message|db\.query\.text)$/;

/** The fields worth asking about that the data has: known ones first, then anything that ends in `id`. */
export function usefulFields(fields: Field[], limit = 8): Field[] {
  const rank = (field: Field) => {
    const place = telling.indexOf(field.name);
    if (place >= 0) return place;
    return /(^|[._])id$/.test(field.name) ? telling.length : telling.length + 1;
  };
  return fields
    .filter((field) => !never.test(field.name) && rank(field) <= telling.length)
    .sort((left, right) => rank(left) - rank(right) || right.events - left.events)
    .slice(0, limit);
}

/** The names offered in the form: useful ones first, then all others by name. */
export function fieldNames(fields: Field[]): string[] {
  const first = usefulFields(fields, 20).map((field) => field.name);
  const rest = fields.filter((field) => !never.test(field.name) && !first.includes(field.name)).map(({ name }) => name);
  return [...first, ...rest.sort()];
}

/** The chip that keeps the events of this entity: numbers and booleans as such, by the type of the field. */
export function chipOf(field: string, value: string, type: string | undefined): Chip {
  if (type && /^(u?int|float)/.test(type) && value.trim() !== "" && Number.isFinite(Number(value)))
    return { field, operator: "=", value: Number(value) };
  if (type === "boolean") return { field, operator: "=", value: value === "true" };
  return { field, operator: "=", value };
}
