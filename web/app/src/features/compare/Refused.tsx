// Why a comparison was not made: a side without events, a name with a slip, or a fault.
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Problem } from "../../api/client";
import { paths } from "../../paths";
import { HowToSend } from "../../ui/HowToSend";
import { Empty, Failed } from "../../ui/States";
import { corrected, emptySide } from "./question";
import type { CompareSearch } from "./search";

type Properties = { error: unknown; search: CompareSearch; onRetry: () => void };

export function Refused({ error, search, onRetry }: Properties) {
  const navigate = useNavigate({ from: paths.compare });
  const problem = error instanceof Problem ? error : null;
  const empty = problem ? emptySide(problem) : undefined;
  if (empty)
    return (
      <Empty title="There is nothing to compare">
        {empty}
        <HowToSend />
      </Empty>
    );
  const better = problem ? corrected(search, problem) : undefined;
  return (
    <div className="compare-refused">
      <Failed error={error} onRetry={better ? undefined : onRetry} />
      {better ? (
        <Button
          variant="default"
          onClick={() => void navigate({ to: paths.compare, search: (was) => ({ ...was, ...better }) })}
        >
          Use {problem?.suggestion} instead
        </Button>
      ) : null}
    </div>
  );
}
