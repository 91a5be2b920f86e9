// A sentence of the server: names between backticks are set as names.
import { pieces } from "./words";

export function Statement({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, index) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one sentence are never reordered
        piece.name ? <b key={index}>{piece.text}</b> : <span key={index}>{piece.text}</span>,
      )}
    </>
  );
}
