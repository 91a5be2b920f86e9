// A condition in SQL, with the names of fields completed, and their values with how often they occur.
import { Autocomplete } from "@mantine/core";
import { useFields, useFieldValues } from "../../api/fields";
import { rangeOf } from "../../lib/search";
import { useSearch } from "../useSearch";
import { Counted } from "./Counted";
import { completionsOf, valueCompletions, valuePlace } from "./completion";

type Properties = {
  label: string;
  placeholder: string;
  table: string;
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
};

export function ConditionInput({ label, placeholder, table, value, onChange, onBlur }: Properties) {
  const fields = useFields(table);
  const place = valuePlace(value);
  const known = fields.find((one) => one.name === place?.field);
  const values = useFieldValues(table, known?.name ?? "", rangeOf(useSearch()), known !== undefined);
  const counts = new Map(values.map((one) => [one.value, one.events]));
  const offered = place
    ? valueCompletions(place, [...counts.keys()], known?.type === "string")
    : new Map(
        completionsOf(
          value,
          fields.map((one) => one.name),
        ).map((text) => [text, text.slice(text.lastIndexOf(" ") + 1)]),
      );
  return (
    <Autocomplete
      label={label}
      placeholder={placeholder}
      value={value}
      onChange={onChange}
      onBlur={onBlur}
      data={[...offered.keys()]}
      filter={({ options }) => options}
      renderOption={({ option }) => {
        const shown = offered.get(option.value) ?? option.value;
        return <Counted value={shown} events={place ? counts.get(shown) : undefined} />;
      }}
      classNames={{ input: "mono" }}
      size="xs"
      spellCheck={false}
      maxDropdownHeight={260}
    />
  );
}
