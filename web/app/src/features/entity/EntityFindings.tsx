// Where a difference comes from: the place, with its figures beside those of the same place in others' requests.
import { Link } from "@tanstack/react-router";
import type { EntityFinding, EntitySource } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import type { Search } from "../../lib/search";
import { paths } from "../../paths";
import { Statement } from "./Statement";
import { hopName } from "./words";

type Properties = {
  findings: EntityFinding[];
  /** What the page says already. */
  told: string;
  search: Search;
};

/** Of findings that the page's statement tells of already, only the place is shown. */
export function EntityFindings({ findings, told, search }: Properties) {
  return (
    <>
      {findings.map((finding, index) => (
        <div key={finding.statement} className="entity-finding">
          {index > 0 && !told.includes(finding.statement) ? (
            <p className="entity-also">
              Also: <Statement text={finding.statement} />
            </p>
          ) : null}
          {finding.source ? <Source source={finding.source} measure={finding.measure} search={search} /> : null}
        </div>
      ))}
    </>
  );
}

type Bar = { name: string; value: number; text: string; calls: number; evidence: string; isOwn: boolean };

/** The two sides as bars of one scale: failures where it fails more often, else the middle duration. */
function barsOf(source: EntitySource, measure: EntityFinding["measure"]): Bar[] {
  const share = (errors: number, calls: number) => (calls ? errors / calls : 0);
  const side = (isOwn: boolean): Bar => {
    const [calls, errors, p50, evidence] = isOwn
      ? [source.calls, source.errors, source.p50_ns, source.evidence]
      : [source.others_calls, source.others_errors, source.others_p50_ns, source.others_evidence];
    const value = measure === "errors" ? share(errors, calls) : (p50 ?? 0);
    const text = measure === "errors" ? formatPercent(share(errors, calls)) : formatDuration(p50);
    return { name: isOwn ? "This one" : "Others", value, text, calls, evidence, isOwn };
  };
  return [side(true), side(false)];
}

type SourceProperties = { source: EntitySource; measure: EntityFinding["measure"]; search: Search };

function Source({ source, measure, search }: SourceProperties) {
  const bars = barsOf(source, measure);
  const most = Math.max(...bars.map(({ value }) => value)) || 1;
  const { last, from, to } = search;
  return (
    <figure className="entity-source">
      <figcaption>
        {measure === "errors" ? "Failed" : "Half of the calls take at most"}, in {source.kind} <b>{source.name}</b>,{" "}
        {hopName(source.hop)} <span className="quiet">({source.operation})</span>
      </figcaption>
      {bars.map((bar) => (
        <div key={bar.name} className="entity-bar">
          <span>{bar.name}</span>
          <span className="entity-bar-track" aria-hidden="true">
            <span className={bar.isOwn ? "entity-bar-own" : ""} style={{ width: `${(bar.value / most) * 100}%` }} />
          </span>
          <b className="number">{bar.text}</b>
          <Link
            to={paths.sql}
            search={{ last, from, to, statement: bar.evidence }}
            className="small"
            title="The query behind it"
          >
            of {formatCount(bar.calls)} calls
          </Link>
        </div>
      ))}
    </figure>
  );
}
