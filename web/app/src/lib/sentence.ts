// What the server says, as a sentence of the page: its messages begin small and have no full stop.

/** With a capital and a full stop; a name in backticks stays as it is. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === ""
    ? ""
    : `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? "" : "."}`;
}

/** A message in parts: names, which stand in backticks, and the rest. */
export function partsOf(text: string): { text: string; isCode: boolean }[] {
  const parts = text.split(/`([^`]+)`/).map((part, place) => ({ text: part, isCode: place % 2 === 1 }));
  return parts.filter((part) => part.text !== "");
}
