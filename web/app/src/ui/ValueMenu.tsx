// Any value of any event: a click opens what can be done with it.
import { Menu, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Chip, conditionOf } from "../lib/search";
import { paths } from "../paths";
import { carried, useAddChip, useSearch } from "./useSearch";
import "./value-menu.css";

type Properties = {
  field: string;
  value: Chip["value"];
  /** The table that the value is of. */
  table?: string;
  /** What is clicked; the value itself without. */
  children?: ReactNode;
};

export function ValueMenu({ field, value, table, children }: Properties) {
  const search = useSearch();
  const addChip = useAddChip();
  const navigate = useNavigate();
  const time = carried(search);
  const shown = value === null ? "none" : String(value);
  const chip: Chip = value === null ? { field, operator: "missing", value } : { field, operator: "=", value };
  const others: Chip = value === null ? { field, operator: "exists", value } : { field, operator: "!=", value };
  return (
    <Menu>
      <Menu.Target>
        <UnstyledButton className="value" title={`${field}: ${shown}`}>
          {children ?? shown}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="value-label">
          {field} · {shown}
        </Menu.Label>
        <Menu.Item onClick={() => addChip(chip)}>Show only these</Menu.Item>
        <Menu.Item onClick={() => addChip(others)}>Leave these out</Menu.Item>
        <Menu.Item onClick={() => void navigate({ to: paths.explore, search: { ...time, table, group: [field] } })}>
          Group by {field}
        </Menu.Item>
        <Menu.Item
          onClick={() =>
            void navigate({ to: paths.compare, search: { ...time, table, selection: conditionOf([chip]) } })
          }
        >
          What is different about these
        </Menu.Item>
        {value !== null ? (
          <Menu.Item
            onClick={() => void navigate({ to: paths.entity, search: { ...time, field, value: String(value) } })}
          >
            Who is this
          </Menu.Item>
        ) : null}
        <Menu.Item onClick={() => void navigator.clipboard.writeText(shown)}>Copy</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
