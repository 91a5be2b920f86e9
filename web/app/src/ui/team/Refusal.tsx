// Why something was not kept, in a line of its form.
import { Problem } from "../../api/client";

export function Refusal({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <p role="alert" className="team-refusal">
      {error instanceof Problem ? error.detail : error.message}
    </p>
  );
}
