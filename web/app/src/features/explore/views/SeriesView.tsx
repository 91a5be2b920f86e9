// The calculations over time: a chart for each, a line for each group.
import { useMemo } from "react";
import type { Answer } from "../../../api/types";
import { TimeSeries } from "../../../charts/TimeSeries";
import { boundsOf, iso, readLength } from "../../../lib/time";
import { ChartNotes } from "../../../ui/notes/ChartNotes";
import { formatSeconds, useAddress, useAnswer, useChange } from "../answers";
import { unitWords, useFormatOf, useMetric } from "../metrics/metrics";
import { Outcome } from "../Outcome";
import { isSummed, readQuestion, seriesBody } from "../question/question";
import { GroupValues } from "./GroupValues";
import { readSeries, type Series, wholeSteps } from "./series";

/** `only` shows the first calculation alone, smaller. */
export function SeriesView({ only = false, strip = true }: { only?: boolean; strip?: boolean }) {
  const search = useAddress();
  const { calculate } = readQuestion(search);
  const body = seriesBody(search);
  const shown = only ? calculate.slice(0, 1) : calculate;
  // Groups are chosen by the first calculation whichever are drawn, so that the overview shows those of the table.
  const answer = useAnswer(only && !search.having && !search.order ? { ...body, calculate: shown } : body);
  return (
    <Outcome answer={answer} strip={strip} isEmpty={(data) => data.rows.every((row) => row.slice(1).every(isNothing))}>
      {(data) => <Charts answer={data} shown={shown} at={answer.dataUpdatedAt} small={only} />}
    </Outcome>
  );
}

/** Steps that were filled without any event have neither groups nor figures. */
function isNothing(cell: unknown): boolean {
  return cell === null || cell === 0;
}

type Properties = { answer: Answer; shown: string[]; at: number; small: boolean };

function Charts({ answer, shown, at, small }: Properties) {
  const search = useAddress();
  const { group } = readQuestion(search);
  const series = useMemo(
    () =>
      readSeries(
        answer,
        group.length,
        answer.columns.slice(1 + group.length).map((one) => one.name),
      ),
    [answer, group.length],
  );
  const all = answer.footer.groups ?? series.groups.length;
  return (
    <div className={small ? "panel" : "charts"}>
      {shown.map((calculation, index) => (
        <div key={calculation} className={small ? undefined : "panel"}>
          <Chart calculation={calculation} series={series} at={at} small={small} legend={index === shown.length - 1} />
        </div>
      ))}
      {all > series.groups.length ? (
        <p className="quiet small" style={{ padding: "0 var(--space-3)" }}>
          The {series.groups.length} largest of {all} groups.
        </p>
      ) : null}
    </div>
  );
}

type ChartProperties = { calculation: string; series: Series; at: number; small: boolean; legend: boolean };

function Chart({ calculation, series, at, small, legend }: ChartProperties) {
  const search = useAddress();
  const change = useChange();
  const { group, table } = readQuestion(search);
  const { start, end } = boundsOf(search, at || Date.now());
  const step = (readLength(seriesBody(search).granularity ?? "") ?? 0) / 1000;
  const formatOf = useFormatOf();
  const format = useMemo(() => formatOf(calculation), [formatOf, calculation]);
  const unit = unitWords(calculation, useMetric()?.unit ?? "");
  const fields = group.join("\n");
  const lines = useMemo(
    () =>
      series.groups.map((one, index) => ({
        name: one.length ? one.map((value) => value ?? "none").join(" · ") : calculation,
        label: <GroupValues fields={fields === "" ? [] : fields.split("\n")} group={one} table={table} />,
        values: isSummed(calculation)
          ? wholeSteps(series.times, series.values.get(calculation)?.[index] ?? [], step, start / 1000, end / 1000)
          : (series.values.get(calculation)?.[index] ?? []),
      })),
    [series, calculation, fields, table, step, start, end],
  );
  return (
    <TimeSeries
      title={table === "metrics" && unit ? `${calculation}, ${unit}` : calculation}
      times={series.times}
      lines={lines}
      start={start / 1000}
      end={end / 1000}
      format={format}
      formatTime={formatSeconds}
      height={small ? 180 : 200}
      sync="explore"
      legend={legend}
      overlay={(picked, pick) => <ChartNotes start={start / 1000} end={end / 1000} picked={picked} onPick={pick} />}
      onZoom={(from, to) => change({ from: iso(from * 1000), to: iso(to * 1000), last: undefined, box: undefined })}
    />
  );
}
