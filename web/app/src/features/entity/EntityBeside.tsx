// What else is known of it: other values that its spans have, and what its requests logged.
import { Link } from "@tanstack/react-router";
import type { EntityEvent } from "../../api/types";
import { formatCount, formatTime } from "../../lib/format";
import type { Chip, Search } from "../../lib/search";
import { paths } from "../../paths";
import { useUtc } from "../../ui/useUtc";
import { ValueMenu } from "../../ui/ValueMenu";
import { useSeenWith } from "./questions";

/** `fields` are those that the data has; its own is left out by the caller. */
export function SeenWith({ chip, fields, search }: { chip: Chip; fields: string[]; search: Search }) {
  const answers = useSeenWith(chip, fields, search);
  const found = fields
    .map((field, index) => ({ field, rows: answers[index]?.data?.rows ?? [] }))
    .filter(({ rows }) => rows.length > 0);
  if (!found.length) return null;
  return (
    <section aria-label="Seen with it">
      <h2>Seen with it</h2>
      <dl className="panel entity-seen">
        {found.map(({ field, rows }) => (
          <div key={field}>
            <dt className="quiet small">{field}</dt>
            <dd>
              {rows.slice(0, 5).map(([value, count]) => (
                <span key={String(value)} className="entity-seen-value" title={`${formatCount(Number(count))} spans`}>
                  <ValueMenu field={field} value={value as Chip["value"]} table="spans" />
                </span>
              ))}
              {rows.length > 5 ? <span className="quiet small">and more</span> : null}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function EntityEvents({ events, search }: { events: EntityEvent[]; search: Search }) {
  useUtc();
  if (!events.length) return null;
  return (
    <section aria-label="Logged">
      <h2>Logged meanwhile</h2>
      <ol className="panel entity-events">
        {events.slice(0, 20).map((event, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: records have no name of their own and are never reordered
          <li key={index}>
            <span className="quiet small">{formatTime(event.time).slice(11)}</span>{" "}
            {event.trace_id ? (
              <Link to={paths.trace} params={{ id: event.trace_id }} search={search}>
                {event.text || event["event.name"] || "a record without text"}
              </Link>
            ) : (
              event.text || event["event.name"]
            )}{" "}
            <span className="quiet small">
              {[event.severity_text, event["service.name"]].filter(Boolean).join(", ")}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
