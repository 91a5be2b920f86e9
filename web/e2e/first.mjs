// From an empty store to the first answer: what to send is said, what arrives is seen, and leads to its trace.
import assert from "node:assert/strict";
import { journey, server, visitor } from "./browser.mjs";
import { sendSpans } from "./seed.mjs";

await journey("first", async () => {
  const { page, open, leave } = await visitor();
  await open();
  await page.getByRole("heading", { name: "Send the first event" }).waitFor();
  await page.getByText("Waiting for the first event").waitFor();
  await page.getByRole("tab", { name: "curl" }).click();
  assert.ok((await page.getByRole("tabpanel").textContent()).includes(new URL(server).host), "its own address is named");
  const now = `${Date.now()}000000`;
  const span = { traceId: "ab".repeat(16), spanId: "cd".repeat(8), name: "GET /first", kind: 2 };
  await sendSpans(server, { "my-first": [{ ...span, startTimeUnixNano: now, endTimeUnixNano: now }] });
  await page.getByText("The first span is here").waitFor();
  await page.getByRole("status").getByText("my-first").waitFor();
  await page.getByRole("link", { name: "Open its trace" }).click();
  await page.getByRole("heading", { level: 1, name: "GET /first" }).waitFor();
  await page.getByRole("link", { name: "Explore", exact: true }).click();
  await page.getByRole("table").getByText("my-first").first().waitFor();
  await leave();
});
