// A sentence of the server, in which the field stands in backticks.
import { partsOf } from "./words";

export function Sentence({ text, field }: { text: string; field?: string | undefined }) {
  return (
    <>
      {partsOf(text, field).map((part, place) =>
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
