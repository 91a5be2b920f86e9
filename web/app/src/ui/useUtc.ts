// Whether times are shown in UTC: a preference of this browser.
import { useLocalStorage } from "@mantine/hooks";

/** The preference, and how it is changed. Every part of the page that shows a time follows. */
export function useUtc(): [boolean, (utc: boolean) => void] {
  const [utc, setUtc] = useLocalStorage({ key: "crawlspace.utc", defaultValue: false, getInitialValueInEffect: false });
  return [utc, setUtc];
}
