// One difference: the sentence, how much of each side has the value, and what can be done with it.
import type { ComparisonFooter, Finding, ValueShares } from "../../api/types";
import { ShareBars, type ShareRow } from "../../charts/ShareBars";
import { Sentence } from "./Sentence";
import { ValueActions } from "./ValueActions";
import { chanceText, countText, effectText, testText } from "./words";

type Properties = { finding: Finding; footer: ComparisonFooter; table: string };

export function FindingCard({ finding, footer, table }: Properties) {
  const [first, ...rest] = finding.values;
  // The other side of a cut, or of being there, is the same fact: it belongs beside the first.
  const counterpart = first?.test === "at_least" ? "below" : first?.test === "below" ? "at_least" : undefined;
  const shown = finding.values.filter((one) => one === first || one.test === counterpart);
  const folded = rest.filter((one) => one.test !== counterpart);
  const row = (one: ValueShares): ShareRow => ({
    key: one.condition,
    name: <ValueName text={testText(finding.field, one)} />,
    selection: one.selection,
    baseline: one.baseline,
    selectionCount: countText(one.selection, footer.selection.events),
    baselineCount: countText(one.baseline, footer.baseline.events),
    actions: <ValueActions field={finding.field} value={one} table={table} />,
  });
  return (
    <article className="panel finding" aria-label={finding.statement.replaceAll("`", "")}>
      <h3 className="finding-sentence">
        <Sentence text={finding.statement} field={finding.field} />
      </h3>
      <ShareBars caption={`Shares of the values of ${finding.field}`} rows={shown.map(row)} />
      {folded.length ? (
        <details className="finding-fold">
          <summary>
            {folded.length === 1 ? "One other value" : `${folded.length} other values`} of {finding.field}
          </summary>
          <ShareBars caption={`Other values of ${finding.field}`} rows={folded.map(row)} />
        </details>
      ) : null}
      {finding.same_as.length ? (
        <p className="small quiet finding-line">Says the same: {finding.same_as.join(", ")}</p>
      ) : null}
      <p
        className="small quiet finding-line"
        title={`Rests on ${finding.traces.traces} traces. The chance is a bound over everything that was tested.`}
      >
        {effectText(finding.effect)} · {chanceText(finding.p_value)}
      </p>
    </article>
  );
}

function ValueName({ text }: { text: string }) {
  return (
    <bdi className="finding-value" title={text}>
      {text}
    </bdi>
  );
}
