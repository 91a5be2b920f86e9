// The line between names and times, which can be dragged or moved by the arrow keys.
import { type RefObject, useRef, useState } from "react";

const keyName = "crawlspace.trace.names";

type NameWidthState = {
  percent: number;
  setPercent: (percent: number) => void;
  within: RefObject<HTMLDivElement | null>;
};

export function useNameWidth(): NameWidthState {
  const within = useRef<HTMLDivElement>(null);
  const [percent, setState] = useState(
    () => Number(localStorage.getItem(keyName)) || (window.innerWidth < 700 ? 55 : 40),
  );
  const setPercent = (wanted: number) => {
    const kept = Math.round(Math.min(75, Math.max(15, wanted)) * 10) / 10;
    setState(kept);
    localStorage.setItem(keyName, String(kept));
  };
  return { percent, setPercent, within };
}

export function NameWidth({ percent, setPercent, within }: NameWidthState) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be dragged
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuenow={Math.round(percent)}
      aria-valuemin={15}
      aria-valuemax={75}
      className="wf-separator"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        const box = within.current?.getBoundingClientRect();
        if (box && event.currentTarget.hasPointerCapture(event.pointerId))
          setPercent(((event.clientX - box.left) / box.width) * 100);
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") setPercent(percent - 2);
        if (event.key === "ArrowRight") setPercent(percent + 2);
      }}
    />
  );
}
