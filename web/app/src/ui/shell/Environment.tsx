// Chooses the environment, where the data names some; it stays from page to page as the filters do.
import { Button, Menu } from "@mantine/core";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { useFields, useFieldValues } from "../../api/fields";
import { environmentFields, environmentOf, withEnvironment } from "../../lib/environment";
import { rangeOf } from "../../lib/search";
import { Counted } from "../completion/Counted";
import { useChangeSearch, useSearch } from "../useSearch";

export function Environment({ table }: { table: string }) {
  const { where } = useSearch();
  const change = useChangeSearch();
  const [opened, setOpened] = useState(false);
  const known = useFields(table).map((field) => field.name);
  const fields = environmentFields.filter((field) => known.includes(field));
  const chosen = environmentOf(where);
  if (!chosen && !fields.length) return null;
  const name = chosen ? String(chosen.value) : "All environments";
  return (
    <Menu opened={opened} onChange={setOpened} width={260}>
      <Menu.Target>
        <Button
          variant={chosen ? "light" : "subtle"}
          color={chosen ? undefined : "gray"}
          size="compact-xs"
          className="environment"
          rightSection={<IconChevronDown size={13} />}
          aria-label={`Environment: ${name}`}
        >
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown className="environment-choices">
        <Menu.Item
          rightSection={chosen ? null : <IconCheck size={14} aria-label="chosen" />}
          onClick={() => change({ where: withEnvironment(where, undefined) })}
        >
          All environments
        </Menu.Item>
        {opened ? fields.map((field) => <Choices key={field} field={field} table={table} />) : null}
      </Menu.Dropdown>
    </Menu>
  );
}

function Choices({ field, table }: { field: string; table: string }) {
  const search = useSearch();
  const change = useChangeSearch();
  const values = useFieldValues(table, field, rangeOf(search), true);
  const chosen = environmentOf(search.where);
  return (
    <>
      <Menu.Label>{values.length ? field : `${field}: none in this time`}</Menu.Label>
      {values.map(({ value, events }) => (
        <Menu.Item
          key={value}
          rightSection={
            chosen?.field === field && chosen.value === value ? <IconCheck size={14} aria-label="chosen" /> : null
          }
          onClick={() => change({ where: withEnvironment(search.where, { field, operator: "=", value }) })}
        >
          <Counted value={value} events={events} />
        </Menu.Item>
      ))}
    </>
  );
}
