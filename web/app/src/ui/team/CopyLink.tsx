// Copies a link and says so; where the browser has no clipboard, without https, it says that instead.
import { Button } from "@mantine/core";
import { useEffect, useState } from "react";

type Properties = { link: string; label?: string; focused?: boolean };

export function CopyLink({ link, label, focused = false }: Properties) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = window.setTimeout(() => setSaid(""), 3000);
    return () => window.clearTimeout(timer);
  }, [said]);
  async function copy() {
    try {
      await navigator.clipboard.writeText(link);
      setSaid("Copied");
    } catch {
      setSaid("Copying takes https");
    }
  }
  return (
    <>
      <Button variant="default" data-autofocus={focused || undefined} aria-label={label} onClick={() => void copy()}>
        {said || "Copy the link"}
      </Button>
      <span className="visually-hidden" role="status">
        {said}
      </span>
    </>
  );
}
