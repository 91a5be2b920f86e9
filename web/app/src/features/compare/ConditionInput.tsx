// A condition in SQL, with the names of fields completed.
import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../api/client";
import type { Fields } from "../../api/types";
import { completionsOf } from "./completion";

type Properties = {
  label: string;
  placeholder: string;
  table: string;
  value: string;
  onChange: (value: string) => void;
};

export function ConditionInput({ label, placeholder, table, value, onChange }: Properties) {
  const fields = useQuery({
    queryKey: ["field-names", table],
    queryFn: ({ signal }) => getJson<Fields>("api/v1/fields", { from: table }, signal),
    staleTime: 60_000,
  });
  const names = fields.data?.fields.map((field) => field.name) ?? [];
  return (
    <Autocomplete
      label={label}
      placeholder={placeholder}
      value={value}
      onChange={onChange}
      data={completionsOf(value, names)}
      filter={({ options }) => options}
      renderOption={({ option }) => (
        <span className="mono">{option.value.slice(option.value.lastIndexOf(" ") + 1)}</span>
      )}
      classNames={{ input: "mono" }}
      size="xs"
      spellCheck={false}
      maxDropdownHeight={260}
    />
  );
}
