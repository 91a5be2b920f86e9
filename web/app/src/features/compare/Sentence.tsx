// A sentence of the server, in which names stand in backticks.
import { partsOf } from "./words";

export function Sentence({ text }: { text: string }) {
  return (
    <>
      {partsOf(text).map((part, place) =>
        part.name ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of one sentence have no name and are never reordered
          <strong key={place} className="sentence-name">
            {part.text}
          </strong>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
