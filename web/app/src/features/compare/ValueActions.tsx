// What can be done with a value of a finding: keep these, explore them, ask who it is, see one of them.
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { postJson } from "../../api/client";
import type { Answer, ValueShares } from "../../api/types";
import { conditionOf, rangeOf, withChip } from "../../lib/search";
import { paths } from "../../paths";
import { carried, useAddChip, useSearch } from "../../ui/useSearch";
import { allOf } from "./question";
import { chipOf, testText } from "./words";

type Properties = { field: string; value: ValueShares; table: string };

export function ValueActions({ field, value, table }: Properties) {
  const search = useSearch();
  const addChip = useAddChip();
  const navigate = useNavigate();
  const [said, setSaid] = useState("");
  const { selection } = search as { selection?: string };
  const chip = chipOf(field, value);
  const time = carried(search);
  const shown = testText(field, value);

  async function showTrace() {
    setSaid("Looking for a trace");
    // Of the selection first: that is what the page is about. A value that only the others have is found without it.
    const chips = conditionOf(search.where);
    for (const where of [allOf([chips, selection, value.condition]), allOf([chips, value.condition])]) {
      const question = { from: table, range: rangeOf(search), where, limit: 1 };
      const answer = await postJson<Answer>("api/v1/query", question).catch(() => undefined);
      const place = answer?.columns.findIndex((column) => column.name === "trace_id") ?? -1;
      const id = answer?.rows[0]?.[place];
      if (typeof id === "string") {
        setSaid("");
        await navigate({ to: paths.trace, params: { id }, search: time });
        return;
      }
    }
    setSaid("No trace of these was found in this time");
  }

  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`What to do with ${field} ${shown}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {chip ? <Menu.Item onClick={() => addChip(chip)}>Compare only these</Menu.Item> : null}
        {chip ? (
          <Menu.Item
            onClick={() =>
              void navigate({ to: paths.explore, search: { ...time, table, where: withChip(time.where, chip) } })
            }
          >
            Explore these
          </Menu.Item>
        ) : null}
        <Menu.Item closeMenuOnClick={false} onClick={() => void showTrace()}>
          Show a trace of these
        </Menu.Item>
        {value.test === "is" ? (
          <Menu.Item
            onClick={() => void navigate({ to: paths.entity, search: { ...time, field, value: String(value.value) } })}
          >
            Who is this
          </Menu.Item>
        ) : null}
        <Menu.Item onClick={() => void navigator.clipboard.writeText(value.condition)}>Copy the condition</Menu.Item>
        {said ? <Menu.Label role="status">{said}</Menu.Label> : null}
      </Menu.Dropdown>
    </Menu>
  );
}
