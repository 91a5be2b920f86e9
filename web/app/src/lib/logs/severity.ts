// How grave a log record is, and what it says; events of spans are records too, and have neither severity nor body.

export type Severity = { level: "bad" | "warn" | "plain" | "quiet"; text: string; field?: string };
type Read = (name: string) => unknown;

export function severityOf(at: Read): Severity {
  const number = at("severity_number");
  const text = at("severity_text");
  const name = typeof text === "string" && text !== "" ? text : undefined;
  const shown = { text: name ?? "event", ...(name ? { field: "severity_text" } : {}) };
  if (at("event.name") === "exception" && !name) return { level: "bad", text: "exception", field: "event.name" };
  const grave = typeof number === "number" ? number : graveness(name);
  if (grave >= 17) return { level: "bad", ...shown };
  if (grave >= 13) return { level: "warn", ...shown };
  return { level: grave >= 9 ? "plain" : "quiet", ...shown };
}

function graveness(text: string | undefined): number {
  if (!text) return 0;
  if (/^(fatal|crit|emerg|alert|err)/i.test(text)) return 17;
  return /^warn/i.test(text) ? 13 : /^(info|notice)/i.test(text) ? 9 : 1;
}

/** The body; of an event without one its name, with what an exception or a flag says. */
export function textOf(at: Read): string {
  const body = at("body");
  if (typeof body === "string" && body !== "") return body;
  const said = ["exception.type", "exception.message", "feature_flag.key", "feature_flag.result.variant"]
    .map(at)
    .filter((one) => typeof one === "string" && one !== "");
  const name = at("event.name");
  const start = typeof name === "string" ? name : "";
  return [start, said.join(": ")].filter((one) => one !== "").join(" · ") || "–";
}
