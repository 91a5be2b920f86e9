// Where one can go from a span: others like it, whose it is, its endpoint, and the time around it.
import { Link } from "@tanstack/react-router";
import type { Chip } from "../../../lib/search";
import { iso } from "../../../lib/time";
import { paths } from "../../../paths";
import type { SpanNode, TraceModel } from "../model/build";

const owners: [string, string][] = [
  ["user.id", "This user"],
  ["enduser.id", "This user"],
  ["session.id", "This session"],
  ["tenant.id", "This tenant"],
  ["customer.id", "This customer"],
];
const endpoints = ["http.route", "url.template", "rpc.method", "messaging.destination.name", "graphql.operation.name"];

const minutes = 60_000;

export function Onward({ trace, node }: { trace: TraceModel; node: SpanNode }) {
  const { span } = node;
  const at = Number((trace.origin + BigInt(Math.round(node.start))) / 1_000_000n);
  // Half an hour on both sides of the span; relative times would miss it when the trace is old.
  const near = { from: iso(at - 30 * minutes), to: iso(at + 30 * minutes) };
  const is = (field: string, value: unknown): Chip => ({
    field,
    operator: "=",
    value: typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null,
  });
  const service: Chip[] = span["service.name"] ? [is("service.name", span["service.name"])] : [];
  const endpoint = endpoints.find((field) => typeof span.attributes[field] === "string");
  const method = span.attributes["http.request.method"];
  const whose = owners
    .map(([field, name]) => ({ field, name, value: span.attributes[field] ?? span.resource[field] }))
    .filter(({ value }) => typeof value === "string" || typeof value === "number");
  return (
    <nav className="span-onward" aria-label="From this span">
      <Link to={paths.explore} search={{ ...near, table: "spans", where: [...service, is("name", span.name)] }}>
        All like this
      </Link>
      {endpoint ? (
        <Link
          to={paths.explore}
          search={{
            ...near,
            table: "spans",
            where: [
              ...service,
              is(endpoint, span.attributes[endpoint]),
              ...(typeof method === "string" ? [is("http.request.method", method)] : []),
            ],
          }}
        >
          This endpoint
        </Link>
      ) : null}
      {whose.map(({ field, name, value }) => (
        <Link
          key={field}
          to={paths.entity}
          search={{ ...near, field, value: String(value) }}
          title={`${field}: ${value}`}
        >
          {name}
        </Link>
      ))}
      <Link
        to={paths.explore}
        search={{ from: iso(at - 5 * minutes), to: iso(at + 5 * minutes), table: "spans", where: service }}
      >
        Before and after
      </Link>
    </nav>
  );
}
