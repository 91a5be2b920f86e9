// The answer of a view, or why there is none: waiting, refused (with the name that was meant), or empty.
import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../../api/client";
import type { Answer } from "../../api/types";
import { HowToSend } from "../../ui/HowToSend";
import { Empty, Failed, Loading, Unanswered } from "../../ui/States";
import { useAddress, useChange } from "./answers";
import { readQuestion, renamed } from "./question/question";
import { Strip } from "./Strip";

type Properties = {
  answer: UseQueryResult<Answer>;
  children: (answer: Answer) => ReactNode;
  /** Whether the strip is shown under it. */
  strip?: boolean;
  /** Whether an answer with rows has nothing to show all the same. */
  isEmpty?: (answer: Answer) => boolean;
};

export function Outcome({ answer, children, strip = true, isEmpty }: Properties) {
  // An answer that could not be renewed is shown as it was; the live switch says since when.
  if (answer.isError && !answer.data) return <Refused error={answer.error} onRetry={() => void answer.refetch()} />;
  if (!answer.data) return <Loading />;
  const hasRows = answer.data.rows.length > 0 && !isEmpty?.(answer.data);
  const busy = answer.isFetching;
  return (
    <div aria-busy={busy} className={answer.isPlaceholderData ? "stale" : undefined}>
      {answer.isError ? <Unanswered query={answer} /> : null}
      {hasRows ? children(answer.data) : <Nothing />}
      {strip ? <Strip footer={answer.data.footer} busy={busy} /> : null}
    </div>
  );
}

export function Nothing() {
  const search = useAddress();
  const { where, condition, having } = search;
  const change = useChange();
  const narrowed = Boolean(where?.length || condition || having);
  return (
    <Empty title="Nothing here in this time">
      <p>
        {narrowed
          ? "No event of this time fulfils the filters."
          : `There are no ${readQuestion(search).table} within this time.`}
      </p>
      <HowToSend />
      <Button.Group>
        {narrowed ? (
          <Button
            variant="default"
            onClick={() => change({ where: undefined, condition: undefined, having: undefined })}
          >
            Remove the filters
          </Button>
        ) : null}
        <Button variant="default" onClick={() => change({ last: "1d", from: undefined, to: undefined })}>
          Look at the last day
        </Button>
      </Button.Group>
    </Empty>
  );
}

/** The name that was wrong stands in backticks in what the server says. */
function wrongName(detail: string): string | undefined {
  return /unknown (?:field|column)[^`]*`([^`]+)`/.exec(detail)?.[1];
}

export function Refused({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const search = useAddress();
  const change = useChange();
  const suggestion = error instanceof Problem ? error.suggestion : null;
  const wrong = error instanceof Problem ? wrongName(error.detail) : undefined;
  return (
    <>
      <Failed error={error} onRetry={onRetry} />
      {suggestion && wrong ? (
        <Button my="xs" w="fit-content" onClick={() => change(renamed(search, wrong, suggestion))}>
          Use {suggestion} instead
        </Button>
      ) : null}
    </>
  );
}
