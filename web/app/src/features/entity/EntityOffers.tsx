// Nobody is chosen yet: what the page is for, and whom the data could be asked about.
import { Link } from "@tanstack/react-router";
import type { Field } from "../../api/types";
import { formatCount } from "../../lib/format";
import type { Search } from "../../lib/search";
import { paths } from "../../paths";
import { HowToSend } from "../../ui/HowToSend";
import { Empty, Failed, Loading } from "../../ui/States";
import { useFieldDetail, useFields } from "./questions";
import { usefulFields } from "./words";

export function EntityOffers({ search, only }: { search: Search; only?: string | undefined }) {
  const fields = useFields(search);
  if (fields.isPending) return <Loading what="the fields" />;
  if (fields.isError) return <Failed error={fields.error} onRetry={() => void fields.refetch()} />;
  const useful = only ? fields.data.fields.filter(({ name }) => name === only) : usefulFields(fields.data.fields);
  if (!useful.length)
    return (
      <Empty title={only ? `No event of this time has ${only}` : "There is nobody to look at in this time"}>
        {only
          ? "Choose another field above, or a longer time."
          : "As soon as spans arrive, their users, tenants, routes and services are offered here. A longer time may have some."}
        <HowToSend />
      </Empty>
    );
  return (
    <section aria-label="Whom to look at">
      <p className="entity-lead">
        What happened to this user, this tenant, this route, this release, and is it like all others? Choose a value.
      </p>
      <ul className="entity-offers">
        {useful.map((field) => (
          <Offer key={field.name} field={field} search={search} />
        ))}
      </ul>
    </section>
  );
}

function Offer({ field, search }: { field: Field; search: Search }) {
  const detail = useFieldDetail(field.name, search);
  return (
    <li className="panel entity-offer">
      <h2 className="entity-offer-name">{field.name}</h2>
      <div className="quiet small">
        {detail.data
          ? `${formatCount(detail.data.distinct)} different in this time; ${Number(detail.data.values[0]?.events) > 1 ? "the busiest" : "some of them"}`
          : "Reading its values"}
      </div>
      <ul>
        {detail.data?.values.slice(0, 5).map((one) => (
          <li key={String(one.value)}>
            <Link to={paths.entity} search={{ ...search, field: field.name, value: String(one.value) }}>
              {String(one.value)}
            </Link>
            <span className="quiet small">
              {formatCount(Number(one.events))} {Number(one.events) === 1 ? "span" : "spans"}
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}
