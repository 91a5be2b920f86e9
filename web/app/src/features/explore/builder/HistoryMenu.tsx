// The questions that were asked before, in this browser; and the way to those that are saved for everyone.
import { Button, Popover } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { formatAge } from "../../../lib/format";
import { paths } from "../../../paths";
import { openSave } from "../../../ui/team/dialogs";
import { useAddress } from "../answers";
import { type Asked, readAsked, remember } from "../question/history";
import { describe } from "../question/wording";

/** A question is remembered once it has been looked at for a moment. */
const settled = 2_000;

export function HistoryMenu() {
  const search = useAddress();
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState<Asked[]>([]);
  useEffect(() => {
    const timer = setTimeout(() => remember(search, Date.now()), settled);
    return () => clearTimeout(timer);
  }, [search]);
  const show = (next: boolean) => {
    if (next) setAsked(readAsked());
    setOpen(next);
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
          <Button
            variant="default"
            onClick={() => {
              setOpen(false);
              openSave();
            }}
          >
            Save this question
          </Button>
          <Link to={paths.saved} onClick={() => setOpen(false)}>
            All that are saved
          </Link>
        </div>
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
