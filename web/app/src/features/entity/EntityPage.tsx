// Who a value is: is it like all others, and if not, where does it come from; and what it did.
import { Button } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Problem } from "../../api/client";
import type { Entity } from "../../api/types";
import { conditionOf, type Search, withChip } from "../../lib/search";
import { paths } from "../../paths";
import { Completeness } from "../../ui/Completeness";
import { Empty, Failed, Loading, Unanswered } from "../../ui/States";
import { carried } from "../../ui/useSearch";
import { EntityEvents, SeenWith } from "./EntityBeside";
import { EntityFigures } from "./EntityFigures";
import { EntityFindings } from "./EntityFindings";
import { EntityForm } from "./EntityForm";
import { EntityOffers } from "./EntityOffers";
import { EntityTraces } from "./EntityTraces";
import { useEntity, useFields } from "./questions";
import { Statement } from "./Statement";
import { chipOf, sentence, usefulFields } from "./words";
import "./entity.css";

export function EntityPage() {
  const search = useSearch({ from: paths.entity });
  const { field, value } = search;
  const chosen = Boolean(field) && value !== undefined;
  const who = `${field ?? ""}\n${value ?? ""}`;
  return (
    <div className="page entity-page">
      <div className="page-head">
        <h1>
          {chosen ? (
            <>
              Who is <span className="quiet">{field}</span> {value}
            </>
          ) : (
            "Who is this"
          )}
        </h1>
      </div>
      {search.where?.length ? (
        <p className="quiet small">
          A value is looked at over all its requests: the filters above do not narrow this page, and hold on the next
          one.
        </p>
      ) : null}
      <EntityForm key={`form ${who}`} search={search} field={field} value={value} />
      {chosen ? (
        <Chosen key={who} search={search} field={field ?? ""} value={value ?? ""} />
      ) : (
        <EntityOffers search={carried(search)} only={field} />
      )}
    </div>
  );
}

function Chosen({ search, field, value }: { search: Search; field: string; value: string }) {
  const [limit, setLimit] = useState(10);
  const entity = useEntity(field, value, search, limit);
  if (entity.isPending) return <Loading what={`what ${value} did`} />;
  if (!entity.data)
    return (
      <>
        <NotTold error={entity.error} field={field} onRetry={() => void entity.refetch()} />
        {/* A field that nothing has is refused: those that are there may be meant. */}
        {entity.error instanceof Problem && entity.error.status === 400 ? (
          <EntityOffers search={carried(search)} />
        ) : null}
      </>
    );
  if (!entity.data.figures.requests && !entity.data.traces.length)
    return (
      <Empty title={`Nothing is known of ${value} in this time`}>
        No span has {field} = {value}. A longer time may have some; the form above completes the values that there are.
      </Empty>
    );
  return (
    <>
      {entity.isError ? <Unanswered query={entity} /> : null}
      <Told
        entity={entity.data}
        search={carried(search)}
        onMore={limit < 50 && entity.data.traces.length >= limit ? () => setLimit(50) : undefined}
      />
    </>
  );
}

type NotToldProperties = { error: unknown; field: string; onRetry: () => void };

/** A field that no event has is no fault: another one may be meant. */
function NotTold({ error, field, onRetry }: NotToldProperties) {
  const problem = error instanceof Problem ? error : null;
  if (problem?.status !== 400 || !/^unknown field/.test(problem.detail))
    return <Failed error={error} onRetry={onRetry} />;
  const { suggestion } = problem;
  return (
    <Empty title={`No span has the field ${field}`}>
      {suggestion ? (
        <Link to={paths.entity} search={(before) => ({ ...before, field: suggestion })}>
          Is {suggestion} meant?
        </Link>
      ) : (
        "The name may have a slip; those that there are, are completed above."
      )}
    </Empty>
  );
}

function Told({ entity, search, onMore }: { entity: Entity; search: Search; onMore: (() => void) | undefined }) {
  const fields = useFields(search).data?.fields ?? [];
  const chip = chipOf(entity.field, entity.value, fields.find(({ name }) => name === entity.field)?.type);
  const others = usefulFields(fields, 7)
    .map(({ name }) => name)
    .filter((name) => name !== entity.field);
  const { where } = search;
  return (
    <>
      <p className={`entity-statement entity-${entity.verdict}`}>
        <Statement text={sentence(entity.statement)} />
      </p>
      <EntityFindings findings={entity.findings} told={entity.statement} search={search} />
      <nav className="entity-links" aria-label={`More about ${entity.value}`}>
        <Link to={paths.explore} search={{ last: "24h", where: withChip(where, chip) }}>
          Its last 24 hours
        </Link>
        <Link to={paths.compare} search={{ ...search, table: "spans", selection: conditionOf([chip]) }}>
          Compare with everyone
        </Link>
        <Link to={paths.map} search={{ ...search, where: withChip(where, chip) }}>
          Its map
        </Link>
      </nav>
      {entity.completeness.verdict === "cannot_tell" ? (
        <div className="entity-doubt">
          <Completeness given={entity.completeness} what="the answer" />
        </div>
      ) : null}
      <EntityFigures entity={entity} search={search} />
      <div className="entity-columns">
        <section aria-label="What it did" className="entity-did">
          <h2>What it did, the newest first</h2>
          <EntityTraces traces={entity.traces} search={search} />
          {onMore ? (
            <Button variant="default" onClick={onMore}>
              Show more, up to 50
            </Button>
          ) : null}
        </section>
        <aside className="entity-aside">
          <SeenWith chip={chip} fields={others} search={search} />
          <EntityEvents events={entity.events} search={search} />
        </aside>
      </div>
      {entity.completeness.verdict === "whole" ? <Completeness given={entity.completeness} what="the answer" /> : null}
      <p className="quiet small">
        {entity.traces_compared} traces of its own were read hop by hop, beside{" "}
        {entity.other_traces_compared.toLocaleString("en-GB")} of others
        {entity.other_traces_are_all ? ", which are all of this time" : ", a sample of this time’s"}. Answered in{" "}
        {Math.round(entity.elapsed_ms)} ms.
      </p>
    </>
  );
}
