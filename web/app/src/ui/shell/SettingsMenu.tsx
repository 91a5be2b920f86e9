// The menu at the top right: a link for others, light or dark, the key, the shortcuts.
import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDots } from "@tabler/icons-react";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { keyWanted } from "../../api/client";
import { absolute } from "../../lib/time";
import { runShortcut, useShortcut } from "../shortcuts";
import { openNote, openSave } from "../team/dialogs";
import { useSearch } from "../useSearch";
import { useUtc } from "../useUtc";

const schemes = [
  ["auto", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function SettingsMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [utc, setUtc] = useUtc();
  const [said, setSaid] = useState("");
  const router = useRouter();
  const search = useSearch();
  useEffect(() => {
    if (!said) return;
    const timer = window.setTimeout(() => setSaid(""), 4000);
    return () => window.clearTimeout(timer);
  }, [said]);

  async function share() {
    const { href } = router.buildLocation({ to: ".", search: (before) => ({ ...before, ...absolute(search) }) });
    const link = new URL(router.history.createHref(href), window.location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      setSaid("Link copied");
    } catch {
      // Without https there is no clipboard: then the address itself becomes the link.
      router.history.replace(href);
      setSaid("The address is the link");
    }
  }
  useShortcut("utc", () => setUtc(!utc));
  useShortcut("share", () => void share());
  return (
    <>
      <span className="quiet small" role="status">
        {said}
      </span>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="More">
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => void share()}>Copy a link with fixed times</Menu.Item>
          <Menu.Item onClick={() => openSave()}>Save this view, for a short link</Menu.Item>
          <Menu.Item onClick={() => openNote()}>Pin a note to a time</Menu.Item>
          <Menu.Item onClick={() => runShortcut("palette")}>Go to…</Menu.Item>
          <Menu.Item onClick={() => runShortcut("help")}>Shortcuts</Menu.Item>
          <Menu.Item onClick={() => window.dispatchEvent(new Event(keyWanted))}>Access key</Menu.Item>
          <Menu.Item
            onClick={() => setUtc(!utc)}
            rightSection={utc ? <IconCheck size={14} aria-label="chosen" /> : null}
          >
            Times in UTC
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>Colours</Menu.Label>
          {schemes.map(([scheme, words]) => (
            <Menu.Item
              key={scheme}
              onClick={() => setColorScheme(scheme)}
              rightSection={colorScheme === scheme ? <IconCheck size={14} aria-label="chosen" /> : null}
            >
              {words}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
