// By whom and when something was made and last changed, as people read it.
import type { Stamp } from "../../api/types";
import { formatAge } from "../../lib/format";

/** Who needs no key has no name. */
const nameless = "local";

function by(name: string | null | undefined, time: string): string {
  return name && name !== nameless ? `by ${name}, ${formatAge(time)}` : formatAge(time);
}

/** `by Grace, 3 min ago; changed by Alan, just now`. */
export function stampText(stamp: Stamp): string {
  const made = by(stamp.created_by, stamp.created_at);
  return stamp.changed_at ? `${made}; changed ${by(stamp.changed_by, stamp.changed_at)}` : made;
}
