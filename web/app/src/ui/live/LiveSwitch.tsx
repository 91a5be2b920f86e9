// The live switch, and when the page's answers came; a click on that asks again once.
import { Button } from "@mantine/core";
import { formatTime } from "../../lib/format";
import { useShortcut } from "../shortcuts";
import { useSearch } from "../useSearch";
import { useUtc } from "../useUtc";
import { useAsOf, useLive, useRounds } from "./useLive";
import "./live-switch.css";

export function LiveSwitch() {
  const { isOffered, isOn } = useLive();
  useRounds(isOn, useSearch());
  return isOffered ? <Switch /> : null;
}

function Switch() {
  const { isOn, toggle } = useLive();
  const { asOf, ask } = useAsOf();
  const [utc] = useUtc();
  useShortcut("pause", toggle);
  const clock = asOf ? formatTime(BigInt(asOf.time) * 1_000_000n, utc).slice(11, 19) : "";
  return (
    <div className="live-switch">
      {asOf ? (
        <button type="button" className={asOf.isLate ? "as-of as-of-late" : "as-of"} title="Ask again" onClick={ask}>
          <span className="as-of-words">{asOf.isLate ? "no answer since " : "as of "}</span>
          {clock}
        </button>
      ) : null}
      <Button
        variant={isOn ? "light" : "subtle"}
        color={isOn ? undefined : "gray"}
        size="compact-xs"
        aria-pressed={isOn}
        title={isOn ? "Asks again every few seconds. Pause (.)" : "Ask again every few seconds (.)"}
        leftSection={<span className={isOn ? "live-mark live-mark-on" : "live-mark"} aria-hidden="true" />}
        onClick={toggle}
      >
        Live
      </Button>
    </div>
  );
}
