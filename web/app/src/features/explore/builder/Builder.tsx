// What is asked: the table, what is calculated, and by what it is grouped. Each choice is asked at once.
import { Button, SegmentedControl, TagsInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answersKey, useAddress, useChange } from "../answers";
import { MetricPicker } from "../metrics/MetricPicker";
import { offeredFor, useMetric } from "../metrics/metrics";
import "../metrics/metrics.css";
import { fieldNames, isWhole, numericFields, suggestCalculations, useFields } from "../question/fields";
import { readQuestion, type Table, tables } from "../question/question";
import { MoreClauses } from "./MoreClauses";

export function Builder() {
  const search = useAddress();
  const change = useChange();
  const queries = useQueryClient();
  const question = readQuestion(search);
  const { table, group } = question;
  const heat = search.calculate?.filter((one) => one.startsWith("heatmap(")) ?? [];
  const calculate = [...question.calculate, ...heat];
  const fields = useFields(table).data;
  const metric = useMetric();
  const first = table === "metrics" ? offeredFor(metric) : [];
  const [typed, setTyped] = useState("");
  const [more, setMore] = useState(false);
  const used = [search.having, search.condition, search.order, search.limit, search.step].filter(Boolean).length;

  const ask = (next: { calculate?: string[]; group?: string[] }) =>
    change({ calculate, group, order: undefined, ...next, ...(next.calculate ? { box: undefined } : {}) });
  // What was left half written with Enter becomes the first suggestion.
  const completed = (one: string) =>
    isWhole(one)
      ? one
      : (suggestCalculations(one, fieldNames(fields), numericFields(fields), calculate, first)[0] ?? one);
  const again = () => void queries.invalidateQueries({ queryKey: [answersKey] });
  useHotkeys([["mod+Enter", again]], []);
  // Another table has other fields: what suits it is asked, and chips stay since many fields are everywhere.
  const choose = (next: string) =>
    change({
      table: next,
      metric: undefined,
      ...{ calculate: undefined, group: undefined, order: undefined, having: undefined, box: undefined },
      ...{ columns: undefined, sort: undefined, view: search.view === "lines" ? undefined : search.view },
    });
  return (
    <section className="builder" aria-label="Question">
      <div className="builder-row main">
        <SegmentedControl
          aria-label="Table"
          value={table}
          onChange={choose}
          data={tables.map((one: Table) => ({ value: one, label: one[0]?.toUpperCase() + one.slice(1) }))}
        />
        {table === "metrics" ? <MetricPicker /> : null}
        <TagsInput
          size="xs"
          className="builder-wide"
          aria-label="Calculate"
          leftSection="Calculate"
          leftSectionWidth={72}
          placeholder={calculate.length > 2 ? "" : "count, p99 of a field …"}
          data={suggestCalculations(typed, fieldNames(fields), numericFields(fields), calculate, first)}
          filter={({ options }) => options}
          searchValue={typed}
          onSearchChange={setTyped}
          value={calculate}
          onChange={(next) => ask({ calculate: next.length ? next.map(completed) : ["count"] })}
          maxDropdownHeight={320}
          comboboxProps={{ width: "max-content", position: "bottom-start" }}
        />
        <TagsInput
          size="xs"
          className="builder-wide"
          aria-label="Group by"
          leftSection="by"
          leftSectionWidth={32}
          placeholder={group.length ? "" : "any field"}
          data={fieldNames(fields)}
          limit={80}
          value={group}
          onChange={(next) => ask({ group: next })}
          maxDropdownHeight={320}
          comboboxProps={{ width: "max-content", position: "bottom-start" }}
        />
        <Button variant="default" aria-expanded={more} onClick={() => setMore(!more)}>
          {used ? `More (${used})` : "More"}
        </Button>
        <Button onClick={again} title="Ask again (Ctrl+Enter)">
          Run
        </Button>
      </div>
      {more ? <MoreClauses /> : null}
    </section>
  );
}
