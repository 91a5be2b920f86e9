// Whether times are told in UTC or as on this computer: one setting of this browser, which all pages follow.
const name = "crawlspace.utc";
const listeners = new Set<() => void>();

let utc = read();

function read(): boolean {
  return typeof localStorage !== "undefined" && localStorage.getItem(name) === "true";
}

export function timesInUtc(): boolean {
  return utc;
}

export function tellTimesInUtc(next: boolean): void {
  utc = next;
  try {
    localStorage.setItem(name, String(next));
  } catch {
    // Without room in the browser's storage the choice holds until the page is left.
  }
  for (const listener of listeners) listener();
}

/** Calls when the setting changes, here or in another tab; returns what stops it. */
export function onZoneChange(listener: () => void): () => void {
  const elsewhere = (event: StorageEvent) => {
    if (event.key !== name) return;
    utc = read();
    listener();
  };
  listeners.add(listener);
  window.addEventListener("storage", elsewhere);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", elsewhere);
  };
}

/** The zone's name as it stands beside a time: `UTC`, or what this computer's clock is called. */
export function zoneName(at = new Date()): string {
  if (utc) return "UTC";
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local time";
}
