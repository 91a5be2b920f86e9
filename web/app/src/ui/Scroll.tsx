// What may be wider than its place: it scrolls by itself, by keys too, and says what it is.
import type { ReactNode } from "react";

type Properties = { label: string; className?: string; children: ReactNode };

export function Scroll({ label, className = "", children }: Properties) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has only keys scrolls what has the focus.
    <section className={`scroll ${className}`} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
