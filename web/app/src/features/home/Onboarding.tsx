// The first page of an empty store: how to send data here, and whether some came.
import { Button, CopyButton, Tabs } from "@mantine/core";
import { storedKey } from "../../api/client";
import type { TableSize } from "../../api/types";
import { prefix } from "../../paths";
import { NotArriving } from "./NotArriving";
import { type Snippet, snippetsFor, targetOf } from "./snippets";
import { Waiting } from "./Waiting";

export function Onboarding({ tables, onDone }: { tables: TableSize[]; onDone: () => void }) {
  const target = targetOf(window.location, prefix, storedKey() !== null);
  const snippets = snippetsFor(target);
  return (
    <div className="onboarding">
      <h1>Send the first event</h1>
      <Waiting tables={tables} onDone={onDone} />
      <p className="quiet onboarding-text">
        Whatever speaks OpenTelemetry can send here. This server takes it at <code>{target.address}</code> over HTTP;
        unless its settings say otherwise, also at the usual ports, <code>{target.hostname}:4318</code> for HTTP and{" "}
        <code>{target.hostname}:4317</code> for gRPC.
        {target.key
          ? " It asks for a key: put one with the scope “ingest” in its place below. “crawlspace key create --scope ingest --name shop” makes one."
          : ""}
      </p>
      <Tabs defaultValue="variables" keepMounted={false} classNames={{ list: "send-tabs" }}>
        <Tabs.List aria-label="Ways to send">
          {snippets.map((snippet) => (
            <Tabs.Tab key={snippet.id} value={snippet.id}>
              {snippet.name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {snippets.map((snippet) => (
          <Tabs.Panel key={snippet.id} value={snippet.id}>
            <Way snippet={snippet} />
          </Tabs.Panel>
        ))}
      </Tabs>
      <p className="quiet small">Programs send in batches, every five seconds or so.</p>
      <NotArriving />
    </div>
  );
}

function Way({ snippet }: { snippet: Snippet }) {
  return (
    <div className="way">
      {snippet.note ? <p className="quiet">{snippet.note}</p> : null}
      {snippet.parts.map((part) => (
        <figure key={part.text} className="way-part">
          <figcaption>
            <span>{part.title}</span>
            <CopyButton value={part.text}>
              {({ copied, copy }) => (
                <Button
                  variant="subtle"
                  onClick={copy}
                  aria-label={`Copy ${part.title ? part.title.toLowerCase() : "this"}`}
                >
                  {copied ? "Copied" : "Copy"}
                </Button>
              )}
            </CopyButton>
          </figcaption>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <pre className="panel mono" tabIndex={0}>
            {part.text}
          </pre>
        </figure>
      ))}
    </div>
  );
}
