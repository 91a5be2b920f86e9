// Copies a text, and says that it did.
import { UnstyledButton } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";

export function Copy({ text, children }: { text: string; children: string }) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <UnstyledButton className="link-button small" onClick={() => clipboard.copy(text)} aria-live="polite">
      {clipboard.copied ? "Copied" : clipboard.error ? "The browser does not allow it" : children}
    </UnstyledButton>
  );
}
