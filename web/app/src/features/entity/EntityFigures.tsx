// The entity's figures beside everyone's: a number each, and where it stands among all.
import { Link } from "@tanstack/react-router";
import type { Entity } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import type { Search } from "../../lib/search";
import { paths } from "../../paths";
import { Scroll } from "../../ui/Scroll";
import { othersWords, positionWords } from "./words";

type Row = { name: string; own: string; half: string; share: number; more: string };

function rowsOf({ figures, everyone }: Entity): Row[] {
  if (!everyone) return [];
  const failing = figures.requests ? figures.errors / figures.requests : null;
  return [
    {
      name: "Requests",
      own: formatCount(figures.requests),
      half: formatCount(everyone.requests),
      share: everyone.fewer_requests,
      more: "more",
    },
    {
      name: "Failed",
      own: formatPercent(failing),
      half: formatPercent(everyone.error_share),
      share: everyone.fewer_errors,
      more: "more often",
    },
    {
      name: "Half take at most (p50)",
      own: formatDuration(figures.p50_ns),
      half: formatDuration(everyone.p50_ns),
      share: everyone.faster_p50,
      more: "slower",
    },
    {
      name: "99 of 100 take at most (p99)",
      own: formatDuration(figures.p99_ns),
      half: formatDuration(everyone.p99_ns),
      share: everyone.faster_p99,
      more: "slower",
    },
  ];
}

export function EntityFigures({ entity, search }: { entity: Entity; search: Search }) {
  const { everyone, figures } = entity;
  const time = { last: search.last, from: search.from, to: search.to };
  if (!everyone)
    return (
      <p className="quiet">
        {formatCount(figures.requests)} requests, {formatCount(figures.errors)} failed, p50{" "}
        {formatDuration(figures.p50_ns)}, p99 {formatDuration(figures.p99_ns)}. There are too few others to set beside
        it.
      </p>
    );
  return (
    <Scroll label="Figures" className="panel">
      <table className="plain-table entity-figures">
        <caption className="visually-hidden">Its figures beside those of {othersWords(everyone)}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col" className="number">
              This one
            </th>
            <th scope="col" className="number">
              Middle of others
            </th>
            <th scope="col">Where it stands among {othersWords(everyone)}</th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(entity).map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td className="number entity-own">{row.own}</td>
              <td className="number quiet">{row.half}</td>
              <td>
                <div className="entity-position">
                  <span className="entity-scale" aria-hidden="true">
                    <span className="entity-mark" style={{ left: `${Math.min(1, Math.max(0, row.share)) * 100}%` }} />
                  </span>
                  <span className="small">{positionWords(row.share, row.more)}</span>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="entity-foot quiet small">
        A request is {entity.request}. Ask again in SQL:{" "}
        <Link to={paths.sql} search={{ ...time, statement: figures.evidence }}>
          its figures
        </Link>
        ,{" "}
        <Link to={paths.sql} search={{ ...time, statement: everyone.evidence }}>
          everyone’s
        </Link>
      </div>
    </Scroll>
  );
}
