// The questions that were asked before, and those saved under a name: both in this browser only.
import { Button, CloseButton, Popover, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { formatAge } from "../../../lib/format";
import { paths } from "../../../paths";
import { useAddress } from "../answers";
import { type Asked, forget, readAsked, readSaved, remember, type Saved, save } from "../question/history";
import { describe } from "../question/wording";

/** A question is remembered once it has been looked at for a moment. */
const settled = 2_000;

export function HistoryMenu() {
  const search = useAddress();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [asked, setAsked] = useState<Asked[]>([]);
  const [saved, setSaved] = useState<Saved[]>([]);
  useEffect(() => {
    const timer = setTimeout(() => remember(search, Date.now()), settled);
    return () => clearTimeout(timer);
  }, [search]);
  const show = (next: boolean) => {
    if (next) {
      setAsked(readAsked());
      setSaved(readSaved());
    }
    setOpen(next);
  };
  const keep = () => {
    save(name.trim() || describe(search), search);
    setName("");
    setSaved(readSaved());
  };
  return (
    <Popover opened={open} onChange={show} position="bottom-end" width="min(480px, calc(100vw - 24px))" trapFocus>
      <Popover.Target>
        <Button variant="subtle" onClick={() => show(!open)} aria-expanded={open}>
          History
        </Button>
      </Popover.Target>
      <Popover.Dropdown className="history">
        <div className="history-save">
          <TextInput
            aria-label="Name of this question"
            placeholder="Save this question as …"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Enter" && keep()}
          />
          <Button variant="default" onClick={keep}>
            Save
          </Button>
        </div>
        {saved.length ? <h2>Saved in this browser</h2> : null}
        <ul>
          {saved.map((one) => (
            <li key={one.name}>
              <Link to={paths.explore} search={one.search} onClick={() => setOpen(false)}>
                {one.name}
              </Link>
              <CloseButton
                size="xs"
                aria-label={`Forget ${one.name}`}
                onClick={() => {
                  forget(one.name);
                  setSaved(readSaved());
                }}
              />
            </li>
          ))}
        </ul>
        <h2>Asked before, in this browser</h2>
        {asked.length ? null : <p className="quiet small">Nothing yet.</p>}
        <ul>
          {asked.map((one) => (
            <li key={one.at}>
              <Link to={paths.explore} search={one.search} onClick={() => setOpen(false)}>
                {describe(one.search)}
              </Link>
              <span className="quiet small nowrap">{formatAge(String(BigInt(one.at) * 1_000_000n))}</span>
            </li>
          ))}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
