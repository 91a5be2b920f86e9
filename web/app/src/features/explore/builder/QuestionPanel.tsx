// The question as JSON, which may be edited, and as the SQL that it became; both can be copied.
import { Button, Textarea } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { paths } from "../../../paths";
import { carried } from "../../../ui/useSearch";
import { useAddress, useAnswer, useChange } from "../answers";
import { addressOf, bodyOf } from "../question/question";
import { bodyText, curlOf } from "../question/wording";
import type { View } from "../search";
import { Copy } from "./Copy";

export function QuestionPanel({ view }: { view: View }) {
  const search = useAddress();
  const body = bodyOf(search, view);
  const text = bodyText(body, 2);
  const answer = useAnswer(body);
  const statement = answer.data?.footer.sql ?? undefined;
  return (
    <section className="question-panel panel" aria-label="The question as JSON and SQL">
      <div>
        <Edited key={text} text={text} />
        <div className="question-tools">
          <Copy text={text}>Copy JSON</Copy>
          <Copy text={curlOf(body)}>Copy as cURL</Copy>
        </div>
      </div>
      <div>
        <h2>SQL</h2>
        <pre className="scroll mono sql">{statement ?? "The SQL comes with the answer."}</pre>
        {statement ? (
          <div className="question-tools">
            <Copy text={statement}>Copy SQL</Copy>
            <Link to={paths.sql} search={{ ...carried(search), where: undefined, statement }} className="small">
              Open in SQL
            </Link>
          </div>
        ) : null}
      </div>
    </section>
  );
}

function Edited({ text }: { text: string }) {
  const search = useAddress();
  const change = useChange();
  const [written, setWritten] = useState(text);
  const [fault, setFault] = useState<string>();
  const apply = () => {
    const read = addressOf(written, search);
    if (typeof read === "string") setFault(read);
    else change(read);
  };
  return (
    <>
      <h2 id="question-json">JSON, as POST /api/v1/query takes it</h2>
      <Textarea
        aria-labelledby="question-json"
        classNames={{ input: "mono" }}
        autosize
        minRows={4}
        maxRows={20}
        spellCheck={false}
        value={written}
        error={fault}
        onChange={(event) => {
          setWritten(event.currentTarget.value);
          setFault(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.stopPropagation();
          apply();
        }}
      />
      {written === text ? null : (
        <Button.Group mt="xs">
          <Button onClick={apply}>Ask this</Button>
          <Button variant="default" onClick={() => setWritten(text)}>
            Undo the changes
          </Button>
        </Button.Group>
      )}
    </>
  );
}
