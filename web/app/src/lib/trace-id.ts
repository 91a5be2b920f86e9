// Recognises a trace in what someone pasted: an identity of 16 or 32 digits, or a whole traceparent header.

export type TraceTarget = { trace: string; span?: string };

/** The trace, and the span where one is named; nothing if the text is neither. */
export function readTraceTarget(text: string): TraceTarget | undefined {
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/^traceparent:\s*/, "");
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(plain);
  if (parent?.[1]) return { trace: parent[1], span: parent[2] };
  const bare = plain.replace(/^0x/, "").replaceAll("-", "");
  if (/^[0-9a-f]{32}$/.test(bare)) return { trace: bare };
  return /^[0-9a-f]{16}$/.test(bare) ? { trace: bare.padStart(32, "0") } : undefined;
}
