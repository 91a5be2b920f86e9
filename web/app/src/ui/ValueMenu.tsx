// Any value of any event: a click opens what can be done with it.
import { Menu } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
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

/** Pages have hundreds of values: until one is clicked it is a plain button, and only then has a menu. */
export function ValueMenu(properties: Properties) {
  const [opened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const left = useRef(false);
  useEffect(() => {
    // The menu took the focus, and gives it back to the value.
    if (!opened && left.current) button.current?.focus({ preventScroll: true });
    left.current = opened;
  }, [opened]);
  if (opened) return <OpenMenu {...properties} onClose={() => setOpened(false)} />;
  return (
    <button
      ref={button}
      type="button"
      className="value"
      aria-haspopup="menu"
      title={titleOf(properties)}
      onClick={() => setOpened(true)}
    >
      {properties.children ?? shownOf(properties)}
    </button>
  );
}

function shownOf({ value }: Properties): string {
  return value === null ? "none" : String(value);
}

function titleOf(properties: Properties): string {
  return `${properties.field}: ${shownOf(properties)}`;
}

function OpenMenu({ onClose, ...properties }: Properties & { onClose: () => void }) {
  const { field, value, table, children } = properties;
  const search = useSearch();
  const addChip = useAddChip();
  const navigate = useNavigate();
  const time = carried(search);
  const shown = shownOf(properties);
  const chip: Chip = value === null ? { field, operator: "missing", value } : { field, operator: "=", value };
  const others: Chip = value === null ? { field, operator: "exists", value } : { field, operator: "!=", value };
  return (
    <Menu defaultOpened onClose={onClose} transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <button type="button" className="value" title={titleOf(properties)}>
          {children ?? shown}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="value-label">
          {field} · {shown}
        </Menu.Label>
        {field === "trace_id" && value !== null ? (
          <Menu.Item onClick={() => void navigate({ to: paths.trace, params: { id: shown }, search: time })}>
            Open the trace
          </Menu.Item>
        ) : null}
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
