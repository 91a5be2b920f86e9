// Where one can go from a span: others like it, whose it is, its endpoint, and the time around it. What the span does not
// say itself, the nearest span above it does.
import { Link } from "@tanstack/react-router";
import type { Span } from "../../../api/types";
import type { Chip } from "../../../lib/search";
import { iso } from "../../../lib/time";
import { paths } from "../../../paths";
import type { SpanNode, TraceModel } from "../model/build";
import { useAbove } from "./useSpan";

const owners: [string, string][] = [
  ["user.id", "This user"],
  ["enduser.id", "This user"],
  ["session.id", "This session"],
  ["tenant.id", "This tenant"],
  ["customer.id", "This customer"],
];
const endpoints = ["http.route", "url.template", "rpc.method", "messaging.destination.name", "graphql.operation.name"];

const minutes = 60_000;

const isSimple = (value: unknown): value is string | number => typeof value === "string" || typeof value === "number";
const fieldValue = (span: Span, field: string) => span.attributes[field] ?? span.resource[field];

function is(field: string, value: unknown): Chip {
  const known = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { field, operator: "=", value: known ? value : null };
}

const serviceOf = (span: Span): Chip[] => (span["service.name"] ? [is("service.name", span["service.name"])] : []);

/** The condition of the endpoint that the nearest of the spans is of. */
function endpointOf(spans: Span[]): { where: Chip[]; title: string } | null {
  for (const span of spans) {
    const field = endpoints.find((one) => typeof span.attributes[one] === "string");
    if (!field) continue;
    const method = span.attributes["http.request.method"];
    const where = [...serviceOf(span), is(field, span.attributes[field])];
    if (typeof method === "string") where.push(is("http.request.method", method));
    return { where, title: `${field}: ${span.attributes[field]}` };
  }
  return null;
}

/** Whose the request is: each owner once, as the nearest of the spans has it. */
function ownersOf(spans: Span[]): { field: string; name: string; value: string }[] {
  const found: { field: string; name: string; value: string }[] = [];
  for (const [field, name] of owners) {
    const value = spans.map((span) => fieldValue(span, field)).find(isSimple);
    if (value !== undefined && !found.some((one) => one.name === name))
      found.push({ field, name, value: String(value) });
  }
  return found;
}

export function Onward({ trace, node, span }: { trace: TraceModel; node: SpanNode; span: Span }) {
  const spans = [span, ...useAbove(trace, node)];
  const at = Number((trace.origin + BigInt(Math.round(node.start))) / 1_000_000n);
  // Half an hour on both sides of the span; relative times would miss it when the trace is old.
  const near = { from: iso(at - 30 * minutes), to: iso(at + 30 * minutes) };
  const around = { from: iso(at - 5 * minutes), to: iso(at + 5 * minutes) };
  const service = serviceOf(span);
  const endpoint = endpointOf(spans);
  return (
    <nav className="span-onward" aria-label="From this span">
      <Link to={paths.explore} search={{ ...near, table: "spans", where: [...service, is("name", node.name)] }}>
        All like this
      </Link>
      {endpoint ? (
        <Link to={paths.explore} search={{ ...near, table: "spans", where: endpoint.where }} title={endpoint.title}>
          This endpoint
        </Link>
      ) : null}
      {ownersOf(spans).map(({ field, name, value }) => (
        <Link key={field} to={paths.entity} search={{ ...near, field, value }} title={`${field}: ${value}`}>
          {name}
        </Link>
      ))}
      <Link
        to={paths.explore}
        search={{ ...around, table: "spans", where: service }}
        title="What this service did five minutes before and after"
      >
        Before and after
      </Link>
    </nav>
  );
}
