// Events by time and a field's value, and what can be asked about a box drawn on it.
import { Autocomplete, Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Answer } from "../../../api/types";
import { Heatmap } from "../../../charts/Heatmap";
import type { Area } from "../../../charts/heat/box";
import type { Cell } from "../../../charts/heat/scale";
import { formatCount, formatTime } from "../../../lib/format";
import { absolute, boundsOf, readLength } from "../../../lib/time";
import { paths } from "../../../paths";
import { ChartNotes } from "../../../ui/notes/ChartNotes";
import { Empty } from "../../../ui/States";
import { openNote } from "../../../ui/team/dialogs";
import { carried } from "../../../ui/useSearch";
import { useUtc } from "../../../ui/useUtc";
import { formatSeconds, numberOf, useAddress, useAnswer, useChange } from "../answers";
import { useFormatOf } from "../metrics/metrics";
import { Outcome } from "../Outcome";
import { type Box, boxChips, boxCondition, readBox, writeBox } from "../question/box";
import { numericFields, useFields } from "../question/fields";
import { heatmapBody, readQuestion, whereOf } from "../question/question";

export function HeatmapView({ small = false }: { small?: boolean }) {
  const search = useAddress();
  const body = heatmapBody(search);
  const answer = useAnswer(body);
  const step = (readLength(body?.granularity ?? "") ?? 1000) / 1000;
  return (
    <>
      {small ? null : <FieldChoice />}
      {body ? (
        <Outcome answer={answer} strip={!small}>
          {(data) => <Drawn answer={data} step={step} at={answer.dataUpdatedAt} small={small} />}
        </Outcome>
      ) : (
        <Empty title="Which values?">Choose a field with numbers, and see how they are spread over time.</Empty>
      )}
    </>
  );
}

/** Which field is drawn: any with numbers. */
function FieldChoice() {
  const search = useAddress();
  const change = useChange();
  const { table, heat, calculate, group } = readQuestion(search);
  const fields = useFields(table);
  const choose = (field: string) => {
    if (field && field !== heat) change({ calculate: [...calculate, `heatmap(${field})`], group, box: undefined });
  };
  return (
    <Autocomplete
      className="field-choice"
      size="xs"
      label="Values of"
      placeholder="a field with numbers"
      data={numericFields(fields.data)}
      defaultValue={heat}
      key={heat}
      limit={60}
      onOptionSubmit={choose}
      onKeyDown={(event) => event.key === "Enter" && choose(event.currentTarget.value)}
    />
  );
}

const seconds = (nanoseconds: string) => Number(BigInt(nanoseconds) / 1_000_000n) / 1000;
const nanoseconds = (time: number) => (BigInt(Math.round(time * 1000)) * 1_000_000n).toString();

type Properties = { answer: Answer; step: number; at: number; small: boolean };

function Drawn({ answer, step, at, small }: Properties) {
  const search = useAddress();
  const change = useChange();
  const { heat = "" } = readQuestion(search);
  const bounds = boundsOf(search, at || Date.now());
  const cells = useMemo(
    () =>
      answer.rows.map(
        (row): Cell => ({
          time: String(row[0]),
          low: numberOf(row[1]) ?? 0,
          high: numberOf(row[2]) ?? 0,
          count: numberOf(row[3]) ?? 0,
        }),
      ),
    [answer],
  );
  const box = useMemo(() => {
    const read = readBox(search.box);
    return read?.field === heat ? read : undefined;
  }, [search.box, heat]);
  const area = useMemo(
    (): Area | undefined => box && { start: seconds(box.start), end: seconds(box.end), low: box.low, high: box.high },
    [box],
  );
  const formatOf = useFormatOf();
  const format = useMemo(() => formatOf(heat), [formatOf, heat]);
  const put = (drawn: Area | undefined) =>
    change({
      box: drawn && writeBox({ ...drawn, start: nanoseconds(drawn.start), end: nanoseconds(drawn.end), field: heat }),
    });
  return (
    <div className="panel">
      <Heatmap
        title={heat}
        cells={cells}
        step={step}
        start={bounds.start / 1000}
        end={bounds.end / 1000}
        format={format}
        formatTime={formatSeconds}
        box={area}
        onBox={put}
        height={small ? 220 : 340}
        overlay={(picked, pick) => (
          <ChartNotes start={bounds.start / 1000} end={bounds.end / 1000} picked={picked} onPick={pick} />
        )}
      >
        {box ? <BoxActions box={box} format={format} cells={cells} /> : null}
      </Heatmap>
    </div>
  );
}

type ActionProperties = { box: Box; format: (value: unknown) => string; cells: Cell[] };

function BoxActions({ box, format, cells }: ActionProperties) {
  const search = useAddress();
  const change = useChange();
  const navigate = useNavigate();
  const [utc] = useUtc();
  const { table } = readQuestion(search);
  const inside = cells.filter(
    (cell) =>
      BigInt(cell.time) >= BigInt(box.start) &&
      BigInt(cell.time) < BigInt(box.end) &&
      cell.low >= box.low * 0.999999 &&
      (box.high === undefined || cell.high <= box.high * 1.000001),
  );
  const events = inside.reduce((sum, cell) => sum + cell.count, 0);
  const compare = () =>
    void navigate({
      to: paths.compare,
      // The box is a fixed time, so the rest that it is compared with is one too.
      search: { ...carried(absolute(search)), table, selection: boxCondition(box, whereOf(search)) },
    });
  const within = boxChips(box, search.where);
  return (
    // biome-ignore lint/a11y/useSemanticElements: these buttons belong together, and are no form
    <div className="box-actions" role="group" aria-label="The box">
      <span className="small">
        {formatCount(events)} events, {formatTime(box.start, utc).slice(11, 19)} to
        {formatTime(box.end, utc).slice(11, 19)},{" "}
        {box.high === undefined ? `${format(box.low)} and more` : `${format(box.low)} to ${format(box.high)}`}
      </span>
      {table === "metrics" ? null : <Button onClick={compare}>What is different in this box</Button>}
      <Button variant="default" onClick={() => change({ ...within, last: undefined, box: undefined })}>
        Zoom in
      </Button>
      <Button variant="default" onClick={() => change({ ...within, last: undefined, box: undefined, view: "events" })}>
        Show these events
      </Button>
      <Button variant="default" onClick={() => openNote({ start: box.start, end: box.end })}>
        Pin a note to it
      </Button>
      <Button variant="subtle" onClick={() => change({ box: undefined })}>
        Clear
      </Button>
    </div>
  );
}
