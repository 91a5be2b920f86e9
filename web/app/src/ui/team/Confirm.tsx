// A button that asks before it does what cannot be taken back.
import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import "./team.css";

type Properties = {
  /** What the button does, in one word. */
  action: string;
  /** The same with what it is done to. */
  label: string;
  question: string;
  busy: boolean;
  onConfirm: () => void;
};

export function Confirm({ action, label, question, busy, onConfirm }: Properties) {
  const [asking, setAsking] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const was = useRef(false);
  // Whoever uses keys stays where they were: on the way out of the question, and after it on the button again.
  useEffect(() => {
    if (asking !== was.current) [...(place.current?.querySelectorAll("button") ?? [])].at(-1)?.focus();
    was.current = asking;
  }, [asking]);
  return (
    <span ref={place} className="confirm">
      {asking ? (
        <>
          <span className="small" role="status">
            {question}
          </span>
          <Button size="compact-xs" color="red" variant="outline" loading={busy} onClick={onConfirm}>
            {action}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => setAsking(false)}>
            Keep
          </Button>
        </>
      ) : (
        <Button variant="subtle" size="compact-xs" color="gray" aria-label={label} onClick={() => setAsking(true)}>
          {action}
        </Button>
      )}
    </span>
  );
}
