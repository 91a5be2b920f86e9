// Log lines: how grave, and what they say.
import { expect, it } from "vitest";
import { severityOf, textOf } from "./severity";

const record = (given: Record<string, unknown>) => (name: string) => given[name] ?? null;

it("goes by number, else by text, and takes exceptions for errors", () => {
  expect(severityOf(record({ severity_number: 17, severity_text: "E" })).level).toBe("bad");
  expect(severityOf(record({ severity_text: "warning" })).level).toBe("warn");
  expect(severityOf(record({ severity_text: "INFO" })).level).toBe("plain");
  expect(severityOf(record({ "event.name": "exception" }))).toEqual({
    level: "bad",
    text: "exception",
    field: "event.name",
  });
  expect(severityOf(record({}))).toEqual({ level: "quiet", text: "event" });
});

it("says something of events without a body", () => {
  expect(textOf(record({ body: "hello" }))).toBe("hello");
  expect(textOf(record({ "event.name": "exception", "exception.type": "Timeout", "exception.message": "late" }))).toBe(
    "exception · Timeout: late",
  );
  expect(textOf(record({}))).toBe("–");
});
