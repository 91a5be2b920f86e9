// Makes or changes one filter: field, comparison, value, each with suggestions from what is stored.
import { Autocomplete, Button, Select } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useFields, useFieldValues } from "../../api/fields";
import { type Chip, operators, rangeOf } from "../../lib/search";
import { Counted } from "../completion/Counted";
import { useSearch } from "../useSearch";

/** What a comparison is called. */
export const operatorWords: Record<Chip["operator"], string> = {
  "=": "is",
  "!=": "is not",
  ">": "more than",
  ">=": "at least",
  "<": "less than",
  "<=": "at most",
  contains: "contains",
  lacks: "does not contain",
  exists: "is there",
  missing: "is missing",
};

type Properties = { chip?: Chip; table?: string; onDone: (chip: Chip) => void };

export function ChipEditor({ chip, table = "spans", onDone }: Properties) {
  const search = useSearch();
  const fields = useFields(table);
  const [field, setField] = useState(chip?.field ?? "");
  const [operator, setOperator] = useState<Chip["operator"]>(chip?.operator ?? "=");
  const [value, setValue] = useState(chip?.value === null || chip === undefined ? "" : String(chip.value));
  const known = fields.find((one) => one.name === field);
  const bare = operator === "exists" || operator === "missing";
  const values = useFieldValues(table, field, rangeOf(search), known !== undefined && !bare);

  const counts = new Map(values.map((one) => [one.value, one.events]));

  function finish(text: string) {
    if (field === "") return;
    if (bare) return onDone({ field, operator, value: null });
    // A number is one only where the field holds numbers: `'007'` of a text field stays text.
    const numeric = known ? /^(u?int|float)/.test(known.type) : false;
    const typed = numeric && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    onDone({ field, operator, value: known?.type === "boolean" ? text === "true" : typed });
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    finish(value);
  }
  return (
    <form onSubmit={submit} className="chip-editor">
      <Autocomplete
        size="xs"
        data-autofocus
        label="Field"
        placeholder="user.id"
        data={fields.map((one) => one.name)}
        limit={30}
        value={field}
        onChange={setField}
        comboboxProps={{ withinPortal: false }}
      />
      <Select
        label="Comparison"
        allowDeselect={false}
        data={operators.map((one) => ({ value: one, label: operatorWords[one] }))}
        value={operator}
        onChange={(next) => setOperator(operators.find((one) => one === next) ?? "=")}
        comboboxProps={{ withinPortal: false }}
      />
      {bare ? null : (
        <Autocomplete
          size="xs"
          label="Value"
          data={[...counts.keys()]}
          renderOption={({ option }) => <Counted value={option.value} events={counts.get(option.value)} />}
          limit={30}
          value={value}
          onChange={setValue}
          // Whoever takes a suggestion has said it all.
          onOptionSubmit={finish}
          comboboxProps={{ withinPortal: false }}
        />
      )}
      <Button type="submit" disabled={field === ""}>
        {chip ? "Change the filter" : "Add the filter"}
      </Button>
    </form>
  );
}
