// Reads the server-sent events of /api/v1/tail. With fetch, since EventSource cannot send a key.
import { ask, withParameters } from "../../api/client";

export type TailEvent = Record<string, unknown>;
export type TailListener = {
  event: (event: TailEvent) => void;
  leftOut: (events: number, unread: number) => void;
  started: () => void;
  ended: (reason: string) => void;
};

/** One message of a stream, from its lines. */
export function readMessage(block: string): { name: string; data: string } | undefined {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length ? { name, data: data.join("\n") } : undefined;
}

/** Follows a table until `signal` says to stop or the server closes. Throws a Problem if the server refuses. */
export async function follow(
  table: string,
  where: string | undefined,
  listener: TailListener,
  signal: AbortSignal,
): Promise<void> {
  const response = await ask(withParameters("api/v1/tail", { from: table, where }), {
    signal,
    headers: { accept: "text/event-stream" },
  });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return listener.ended("The connection ended.");
    const blocks = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const message = readMessage(block);
      if (message) deliver(message.name, message.data, listener);
    }
  }
}

function deliver(name: string, data: string, listener: TailListener) {
  const body = JSON.parse(data) as TailEvent;
  if (name === "start") listener.started();
  else if (name === "left_out") listener.leftOut(Number(body.events ?? 0), Number(body.unread ?? 0));
  else if (name === "end") listener.ended(`The server ended it: ${String(body.reason ?? "no reason")}.`);
  else if (name === "error") listener.ended(String(body.detail ?? "The server refused to go on."));
  else listener.event(body);
}
