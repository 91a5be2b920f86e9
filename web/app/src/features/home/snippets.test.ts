// The instructions name this server, and a key's place only where keys are asked for.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { snippetsFor, targetOf } from "./snippets";

const page = { origin: "https://see.example:4320", hostname: "see.example" };

test("the address is the page's own, with its prefix", () => {
  expect(targetOf(page, "/", false).address).toBe("https://see.example:4320");
  expect(targetOf(page, "/watch/", false).address).toBe("https://see.example:4320/watch");
});

test("all ways are there, each with the address", () => {
  const snippets = snippetsFor(targetOf(page, "/", false));
  expect(snippets.map((one) => one.name)).toEqual([
    "Variables",
    "Collector",
    "Node",
    "Python",
    "Go",
    "Java",
    "Rust",
    "Browser",
    "curl",
  ]);
  for (const { parts } of snippets) expect(parts.map((part) => part.text).join()).toContain("https://see.example:4320");
});

test("the key has a place only where keys are asked for", () => {
  const all = (keyed: boolean) => JSON.stringify(snippetsFor(targetOf(page, "/", keyed)));
  expect(all(false)).not.toContain("YOUR_INGEST_KEY");
  expect(all(true)).toContain("x-crawlspace-key: YOUR_INGEST_KEY");
});

test("the line for curl is one that a shell takes, with valid JSON", () => {
  const text = snippetsFor(targetOf(page, "/", true)).find((one) => one.id === "curl")?.parts[0]?.text ?? "";
  const shown = execFileSync("sh", ["-c", text.replace("curl -s", "printf '%s\\n'")], { encoding: "utf8" });
  const body = JSON.parse(shown.slice(shown.indexOf("{"))) as {
    resourceSpans: { scopeSpans: { spans: unknown[] }[] }[];
  };
  expect(body.resourceSpans[0]?.scopeSpans[0]?.spans[0]).toMatchObject({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    endTimeUnixNano: expect.stringMatching(/^\d{19}$/),
  });
});
