// What is different about the events of a selection: the verdict, and each difference with its shares.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import type { Comparison } from "../../api/types";
import { ShareLegend } from "../../charts/ShareBars";
import { paths } from "../../paths";
import { Empty, Loading } from "../../ui/States";
import { CompareFooter } from "./CompareFooter";
import { CompareForm } from "./CompareForm";
import { FindingCard } from "./FindingCard";
import { questionOf, type Sides, sidesOf } from "./question";
import { Refused } from "./Refused";
import { Sentence } from "./Sentence";
import { sizeText, verdictText } from "./words";
import "./compare.css";

export function ComparePage() {
  const search = useSearch({ from: paths.compare });
  // The address is the question: `now` is when it is asked, not when the page is drawn again.
  const answer = useQuery({
    queryKey: ["compare", search],
    queryFn: ({ signal }) => postJson<Comparison>("api/v1/compare", questionOf(search), signal),
    enabled: questionOf(search) !== undefined,
    staleTime: 60_000,
  });
  const asked = questionOf(search) !== undefined;
  return (
    <div className="page">
      <div className="page-head">
        <h1>What is different</h1>
      </div>
      <CompareForm
        key={JSON.stringify([search.table, search.selection, search.baseline, search.before])}
        search={search}
      />
      {asked ? null : (
        <Empty title="Nothing is selected yet">
          Say above which events are in question. Or click any value on another page and choose “What is different about
          these”.
        </Empty>
      )}
      {asked && answer.isPending ? <Loading what="both sides" /> : null}
      {answer.isError ? <Refused error={answer.error} search={search} onRetry={() => void answer.refetch()} /> : null}
      {asked && answer.data && !answer.isError ? (
        <div>
          <Verdict answer={answer.data} sides={sidesOf(search)} />
          <div className="findings">
            {answer.data.fields.map((finding) => (
              <FindingCard
                key={finding.field}
                finding={finding}
                footer={answer.data.footer}
                table={search.table ?? "spans"}
              />
            ))}
          </div>
          {answer.data.fields_found > answer.data.fields.length ? (
            <p className="quiet small">
              The {answer.data.fields.length} that tell most, of {answer.data.fields_found}.
            </p>
          ) : null}
          <CompareFooter answer={answer.data} />
        </div>
      ) : null}
    </div>
  );
}

function Verdict({ answer, sides }: { answer: Comparison; sides: Sides }) {
  const { lead, advice } = verdictText(answer);
  const named = /[=<>]|\b(IS|IN|LIKE)\b/.test(sides.baseline);
  const { selection, baseline } = answer.footer;
  return (
    <section className={`verdict verdict-${answer.verdict.replace(" ", "-")}`} aria-label="Verdict">
      <h2 className="verdict-lead">
        <Sentence text={lead} field={answer.fields[0]?.field} />
      </h2>
      {advice ? <p className="quiet verdict-advice">{advice}</p> : null}
      {sides.both ? (
        <p className="small quiet verdict-advice">
          Of both sides: <span className="mono">{sides.both}</span>
        </p>
      ) : null}
      <ShareLegend
        selection={
          <>
            Selection: <span className="mono">{sides.selection}</span> ({sizeText(selection)})
          </>
        }
        baseline={
          <>
            Baseline: <span className={named ? "mono" : undefined}>{sides.baseline}</span> ({sizeText(baseline)})
          </>
        }
      />
    </section>
  );
}
