// What is compared with what: the selection, and the rest, another condition or an earlier time.
import { Button, NativeSelect } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { paths } from "../../paths";
import { ConditionInput } from "../../ui/completion/ConditionInput";
import type { CompareSearch } from "./search";

const usual = [
  { value: "rest", label: "the rest" },
  { value: "condition", label: "another condition" },
  { value: "period", label: "the time before" },
  { value: "1d", label: "the same time a day before" },
  { value: "7d", label: "the same time a week before" },
];

/** What the selection can be compared with; another length of time in the address is one more choice. */
function choicesOf(before: string | undefined) {
  if (!before || usual.some((one) => one.value === before)) return usual;
  return [...usual, { value: before, label: `the time ${before} before` }];
}

export function CompareForm({ search }: { search: CompareSearch }) {
  const navigate = useNavigate({ from: paths.compare });
  const queries = useQueryClient();
  const [table, setTable] = useState(search.table ?? "spans");
  const [selection, setSelection] = useState(search.selection ?? "");
  const [baseline, setBaseline] = useState(search.baseline ?? "");
  const [against, setAgainst] = useState(search.before ?? (search.baseline === undefined ? "rest" : "condition"));
  const timed = against !== "rest" && against !== "condition";
  const choices = choicesOf(search.before);

  function run(event: FormEvent) {
    event.preventDefault();
    // The same question again is asked again: time has gone on.
    void queries.invalidateQueries({ queryKey: ["compare"] });
    void navigate({
      to: paths.compare,
      search: (was) => ({
        ...was,
        table: table === "spans" ? undefined : table,
        selection: selection.trim() || undefined,
        // An earlier time has the selection's own condition, unless the address had another one.
        baseline: against === "rest" ? undefined : baseline.trim() || undefined,
        before: timed ? against : undefined,
      }),
    });
  }

  return (
    <form className="compare-form panel" onSubmit={run} aria-label="What to compare">
      <NativeSelect
        label="Compare"
        size="xs"
        data={[
          { value: "spans", label: "spans" },
          { value: "logs", label: "log records" },
        ]}
        value={table}
        onChange={(event) => setTable(event.currentTarget.value)}
      />
      <div className="compare-condition">
        <ConditionInput
          label="of which"
          placeholder="status_code = 'error'"
          table={table}
          value={selection}
          onChange={setSelection}
        />
      </div>
      <NativeSelect
        label="with"
        size="xs"
        data={choices}
        value={against}
        onChange={(event) => {
          const chosen = choices.find((one) => one.value === event.currentTarget.value);
          if (!chosen) return;
          setAgainst(chosen.value);
          if (chosen.value !== "condition") setBaseline("");
        }}
      />
      {against === "condition" ? (
        <div className="compare-condition">
          <ConditionInput
            label="those of which"
            placeholder="http.route = '/checkout'"
            table={table}
            value={baseline}
            onChange={setBaseline}
          />
        </div>
      ) : null}
      <Button type="submit" disabled={selection.trim() === "" && !timed}>
        Compare
      </Button>
    </form>
  );
}
