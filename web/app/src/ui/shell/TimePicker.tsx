// The time that the page is about: lengths until now, or what someone writes or pastes; and twice as long.
import { ActionIcon, Button, Popover, Switch, TextInput, Tooltip } from "@mantine/core";
import { IconChevronDown, IconZoomOut } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { formatTime } from "../../lib/format";
import { defaultLast, type Search } from "../../lib/search";
import { boundsOf, readRange, zoomedOut } from "../../lib/time";
import { zoneName } from "../../lib/zone";
import { useShortcut } from "../shortcuts";
import { useChangeSearch, useSearch } from "../useSearch";
import { useUtc } from "../useUtc";
import "./time-picker.css";

const presets: [string, string][] = [
  ["5m", "5 minutes"],
  ["15m", "15 minutes"],
  ["1h", "hour"],
  ["3h", "3 hours"],
  ["12h", "12 hours"],
  ["1d", "day"],
  ["7d", "7 days"],
  ["30d", "30 days"],
];

/** The time in words: `Last hour`, or start and end as short as they can be. */
export function describeTime(search: Search, utc: boolean): string {
  if (!search.from) {
    const last = search.last ?? defaultLast;
    return `Last ${presets.find(([length]) => length === last)?.[1] ?? last}`;
  }
  const { start, end } = boundsOf(search);
  const [first, second] = [start, end].map((moment) => formatTime(BigInt(Math.round(moment)) * 1_000_000n, utc));
  const short = (text = "") => text.replace(/\.000$/, "").replace(/(\d\d:\d\d):00$/, "$1");
  const sameDay = first?.slice(0, 10) === second?.slice(0, 10);
  return `${short(first)} to ${search.to ? short(sameDay ? second?.slice(11) : second) : "now"}`;
}

export function TimePicker() {
  const search = useSearch();
  const change = useChangeSearch();
  const [opened, setOpened] = useState(false);
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const [utc, setUtc] = useUtc();
  const zone = zoneName();
  const told = `${describeTime(search, utc)}${search.from ? ` ${zone}` : ""}`;
  const zoomOut = () => change(zoomedOut(search));
  useShortcut("time", () => setOpened(true));
  useShortcut("zoom-out", zoomOut);

  function choose(time: Search) {
    change({ last: time.last, from: time.from, to: time.to, ...(time.from ? { live: undefined } : {}) });
    setOpened(false);
    setText("");
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    const time = readRange(text, utc);
    setWrong(!time);
    if (time) choose(time);
  }
  return (
    <>
      <Popover opened={opened} onChange={setOpened} position="bottom-end" trapFocus returnFocus width={320}>
        <Popover.Target>
          <Button
            variant="default"
            className="time-button"
            rightSection={<IconChevronDown size={14} />}
            aria-label={`Time: ${told}`}
            onClick={() => setOpened(!opened)}
          >
            {told}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <form onSubmit={submit}>
            <TextInput
              data-autofocus
              label="Time"
              placeholder="last 45 minutes"
              description={`A length, a moment, two of them with “to” between, or a number since 1970. Times without a zone are in ${zone}.`}
              value={text}
              error={wrong ? "This is no time that is understood here. Try “2h” or “2026-11-26 09:00 to 10:00”." : null}
              onChange={(event) => {
                setText(event.currentTarget.value);
                setWrong(false);
              }}
            />
          </form>
          <div className="time-presets">
            {presets.map(([last, words]) => (
              <Button
                key={last}
                variant={!search.from && (search.last ?? defaultLast) === last ? "light" : "subtle"}
                color={!search.from && (search.last ?? defaultLast) === last ? undefined : "gray"}
                justify="flex-start"
                onClick={() => choose({ last })}
              >
                Last {words}
              </Button>
            ))}
          </div>
          <Switch
            size="xs"
            label="Show times in UTC"
            checked={utc}
            onChange={(event) => setUtc(event.currentTarget.checked)}
          />
        </Popover.Dropdown>
      </Popover>
      <Tooltip label="Twice as long">
        <ActionIcon variant="subtle" color="gray" aria-label="Twice as long" onClick={zoomOut}>
          <IconZoomOut size={17} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
