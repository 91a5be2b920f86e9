// The time that the page is about.
import { Button, Menu } from "@mantine/core";
import { defaultLast } from "../lib/search";
import { useChangeSearch, useSearch } from "./useSearch";

const presets = ["5m", "15m", "1h", "3h", "12h", "1d", "7d"];

export function TimePicker() {
  const search = useSearch();
  const change = useChangeSearch();
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default">
          {search.from ? `${search.from} to ${search.to ?? "now"}` : `Last ${search.last ?? defaultLast}`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {presets.map((last) => (
          <Menu.Item key={last} onClick={() => change({ last, from: undefined, to: undefined })}>
            Last {last}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
