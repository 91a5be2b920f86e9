// The filter chips: what the events of the page have in common. Each can be changed, turned round and taken away.
import { Button, Popover } from "@mantine/core";
import { IconFilterPlus, IconX } from "@tabler/icons-react";
import { useSearch as useRouterSearch } from "@tanstack/react-router";
import { useState } from "react";
import { environmentOf } from "../../lib/environment";
import { type Chip, invertChip, withChip } from "../../lib/search";
import { LiveSwitch } from "../live/LiveSwitch";
import { useShortcut } from "../shortcuts";
import { useChangeSearch, useSearch } from "../useSearch";
import { ChipEditor, operatorWords } from "./ChipEditor";
import { Environment } from "./Environment";
import "./filter-bar.css";

export function FilterBar() {
  const { where } = useSearch();
  const change = useChangeSearch();
  const { table } = useRouterSearch({ strict: false });
  const [adds, setAdds] = useState(false);
  useShortcut("filter", () => setAdds(true));
  const environment = environmentOf(where);
  // The environment has a place of its own.
  const shown = where?.filter((chip) => chip !== environment);
  const put = (chips: Chip[]) => change({ where: chips.length ? chips : undefined });
  return (
    <div className="filters">
      <Environment table={typeof table === "string" ? table : "spans"} />
      {where && shown?.length ? (
        <ul aria-label="Filters">
          {shown.map((chip) => (
            <ChipView
              key={JSON.stringify(chip)}
              chip={chip}
              table={table}
              onRemove={() => put(where.filter((one) => one !== chip))}
              onChange={(next) => put(where.map((one) => (one === chip ? next : one)))}
            />
          ))}
        </ul>
      ) : null}
      <Popover opened={adds} onChange={setAdds} trapFocus returnFocus width={280}>
        <Popover.Target>
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            leftSection={<IconFilterPlus size={14} />}
            onClick={() => setAdds(!adds)}
          >
            Add a filter
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <ChipEditor
            table={table}
            onDone={(chip) => {
              put(withChip(where, chip));
              setAdds(false);
            }}
          />
        </Popover.Dropdown>
      </Popover>
      {(shown?.length ?? 0) > 1 ? (
        <Button
          variant="subtle"
          color="gray"
          size="compact-xs"
          onClick={() => change({ where: environment ? [environment] : undefined })}
        >
          Remove all
        </Button>
      ) : null}
      <LiveSwitch />
    </div>
  );
}

type ChipProperties = { chip: Chip; table?: string; onRemove: () => void; onChange: (chip: Chip) => void };

function ChipView({ chip, table, onRemove, onChange }: ChipProperties) {
  const [opened, setOpened] = useState(false);
  const words = `${chip.field} ${operatorWords[chip.operator]}${chip.value === null ? "" : ` ${String(chip.value)}`}`;
  function done(next: Chip) {
    setOpened(false);
    onChange(next);
  }
  return (
    <li className="chip">
      <Popover opened={opened} onChange={setOpened} trapFocus returnFocus width={280}>
        <Popover.Target>
          <button type="button" className="chip-text" title={words} onClick={() => setOpened(!opened)}>
            <span className="quiet">{chip.field}</span> {operatorWords[chip.operator]}{" "}
            {chip.value === null ? null : <strong>{String(chip.value)}</strong>}
          </button>
        </Popover.Target>
        <Popover.Dropdown>
          <ChipEditor chip={chip} table={table} onDone={done} />
          <Button variant="default" fullWidth mt={8} onClick={() => done(invertChip(chip))}>
            Turn it round: {operatorWords[invertChip(chip).operator]}
          </Button>
        </Popover.Dropdown>
      </Popover>
      <button type="button" className="chip-remove" aria-label={`Remove the filter ${words}`} onClick={onRemove}>
        <IconX size={13} />
      </button>
    </li>
  );
}
