// Whom to look at: a field and one of its values, both completed from what the data has.
import { Autocomplete, Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Search } from "../../lib/search";
import { paths } from "../../paths";
import { Counted } from "../../ui/completion/Counted";
import { useFieldDetail, useFields } from "./questions";
import { fieldNames } from "./words";

type Properties = { search: Search; field: string | undefined; value: string | undefined };

/** Give it a `key` of field and value, so that it starts anew when the address changes. */
export function EntityForm({ search, field, value }: Properties) {
  const navigate = useNavigate();
  const [chosen, choose] = useState(field ?? "");
  const [text, setText] = useState(value ?? "");
  const fields = useFields(search);
  const known = fields.data?.fields.some(({ name }) => name === chosen) ?? false;
  const values = useFieldDetail(known ? chosen : undefined, search);
  const offered = new Map(
    (values.data?.values ?? [])
      .filter(({ value: one }) => one !== null && typeof one !== "object")
      .map((one) => [String(one.value), Number(one.events)]),
  );
  const show = (event: FormEvent) => {
    event.preventDefault();
    if (chosen && text)
      void navigate({ to: paths.entity, search: (before) => ({ ...before, field: chosen, value: text }) });
  };
  return (
    <form className="entity-form" onSubmit={show}>
      <Autocomplete
        label="Field"
        size="xs"
        placeholder="user.id"
        data={fieldNames(fields.data?.fields ?? [])}
        value={chosen}
        limit={60}
        maxDropdownHeight={320}
        onChange={(next) => {
          choose(next);
          if (next !== chosen) setText("");
        }}
      />
      <Autocomplete
        label="Value"
        size="xs"
        placeholder={values.data ? `one of ${values.data.distinct.toLocaleString("en-GB")}` : "4711"}
        data={[...offered.keys()]}
        renderOption={({ option }) => <Counted value={option.value} events={offered.get(option.value)} />}
        value={text}
        limit={60}
        maxDropdownHeight={320}
        onChange={setText}
      />
      <Button type="submit" variant="default" disabled={!chosen || !text}>
        Show
      </Button>
    </form>
  );
}
