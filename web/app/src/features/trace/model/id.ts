// Trace ids as people paste them: hex of any case, a UUID, or a whole `traceparent`.

/** The id as the server writes it, or nothing if the text is none. */
export function readTraceId(text: string): string | undefined {
  const plain = text.trim().toLowerCase();
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(plain);
  const id = parent?.[1] ?? plain.replaceAll("-", "");
  return /^[0-9a-f]{32}$/.test(id) && !/^0+$/.test(id) ? id : undefined;
}

/** The span that a `traceparent` names, if the text is one. */
export function readParentSpan(text: string): string | undefined {
  return /^[0-9a-f]{2}-[0-9a-f]{32}-([0-9a-f]{16})-[0-9a-f]{2}/.exec(text.trim().toLowerCase())?.[1];
}
