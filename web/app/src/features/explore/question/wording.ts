// A question in other forms: a line of words, and a command for the shell.
import { storedKey } from "../../../api/client";
import type { QueryRequest } from "../../../api/types";
import { serverPath } from "../../../paths";
import { type Address, metricOf, readQuestion } from "./question";

/** What is asked, in a line: `count, p99(duration_ns) of spans by http.route where service.name = shop`. */
export function describe(search: Address): string {
  const { table, calculate, group } = readQuestion(search);
  const chips = (search.where ?? []).map((chip) => `${chip.field} ${chip.operator} ${chip.value ?? ""}`.trim());
  if (search.condition) chips.push(search.condition);
  const parts = [`${calculate.join(", ")} of ${metricOf(search) ?? table}`];
  if (group.length) parts.push(`by ${group.join(", ")}`);
  if (chips.length) parts.push(`where ${chips.join(" and ")}`);
  return parts.join(" ");
}

/** The body without what is not said. */
export function bodyText(body: QueryRequest, indent?: number): string {
  const said = Object.entries(body).filter(([, value]) => value !== undefined && value !== null);
  return JSON.stringify(
    Object.fromEntries(said.filter(([, value]) => !Array.isArray(value) || value.length)),
    null,
    indent,
  );
}

/** The question for curl. The key is not put into what people paste elsewhere. */
export function curlOf(body: QueryRequest): string {
  const address = new URL(serverPath("api/v1/query"), window.location.href).href;
  const key = storedKey() ? ' -H "Authorization: Bearer $CRAWLSPACE_KEY"' : "";
  return `curl -s '${address}'${key} -d '${bodyText(body).replaceAll("'", `'"'"'`)}'`;
}
