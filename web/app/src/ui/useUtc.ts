// Whether times are shown in UTC: what shows a time uses this, so that it is drawn again when the setting changes.
import { useSyncExternalStore } from "react";
import { onZoneChange, tellTimesInUtc, timesInUtc } from "../lib/zone";

/** The setting, and how it is changed. */
export function useUtc(): [boolean, (utc: boolean) => void] {
  return [useSyncExternalStore(onZoneChange, timesInUtc), tellTimesInUtc];
}
