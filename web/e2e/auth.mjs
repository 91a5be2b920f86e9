// A server that asks for keys: the window asks for one, says what is wrong with a wrong one, and leads to the page that was
// asked for; what a key may not do is said; a key that is forgotten or revoked lets nobody in.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { axe, journey, server, settled, visitor } from "./browser.mjs";
import { send, sendSpans } from "./seed.mjs";
import { press, tabTo } from "./steps.mjs";

const program = process.env.CRAWLSPACE_TEST_PROGRAM ?? "crawlspace";
const adminKey = process.env.CRAWLSPACE_TEST_KEY;
const crawlspace = (...flags) =>
  execFileSync(program, [...flags, "--server", server, "--key", adminKey], { encoding: "utf8" }).trim();
const newKey = (scope, name) => crawlspace("key", "create", "--scope", scope, "--name", name);
const numberOf = (key) => key.split("_")[2];

const dialogOf = (page) => page.getByRole("dialog", { name: "Access key" });

/** Writes a key into the dialogue that is open and has the focus. */
async function give(page, key) {
  const field = dialogOf(page).getByLabel("Key", { exact: true });
  await field.waitFor();
  await tabTo(page, field);
  await press(page, "Control+a");
  await page.keyboard.insertText(key);
  await press(page, "Enter");
}

const refusal = (page, text) => dialogOf(page).getByRole("alert").filter({ hasText: text }).waitFor();

/** The key is in one place of the browser, and in no address. */
async function isKeptWell(page, key) {
  const kept = await page.evaluate(() => Object.entries(localStorage).concat(Object.entries(sessionStorage)));
  assert.deepEqual(kept.filter(([, value]) => value.includes(key)).map(([name]) => name), ["crawlspace.key"]);
  assert.equal(await page.evaluate(() => document.cookie), "");
}

/** From a link, by wrong keys, to what it leads to; gives the visitor who is in. */
async function comeIn(link, readKey, ingestKey) {
  const visit = await visitor();
  const { page } = visit;
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  await page.goto(link);
  await dialogOf(page).getByText("This server answers only who has a key").waitFor();
  await settled(page);
  assert.deepEqual(await axe(page), [], "asked for a key");
  await give(page, "cspace_read_77_0123");
  await refusal(page, "The key is not known here");
  assert.deepEqual(await axe(page), [], "a wrong key");
  await give(page, ingestKey);
  await refusal(page, `Key ${numberOf(ingestKey)} is for ingest: reading takes a key for read or admin`);
  assert.equal(await page.evaluate(() => localStorage.getItem("crawlspace.key")), null, "a key of no use is not kept");
  await give(page, readKey);
  await page.getByRole("table").last().getByText("GET /orders").waitFor();
  await dialogOf(page).waitFor({ state: "detached" });
  await isKeptWell(page, readKey);
  for (const key of [readKey, ingestKey]) assert.ok(!addresses.some((url) => url.includes(key)), "a key is in an address");
  return visit;
}

/** Sends a span with a key for that. */
async function sendOne(key) {
  const now = `${Date.now()}000000`;
  const span = { traceId: "ab".repeat(16), spanId: "cd".repeat(8), name: "GET /orders", kind: 2 };
  await sendSpans(server, { orders: [{ ...span, startTimeUnixNano: now, endTimeUnixNano: now }] }, "production", key);
}

async function forget(page) {
  await page.getByRole("banner").getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Access key" }).click();
  await dialogOf(page).getByRole("button", { name: "Forget the key" }).click();
}

await journey("auth", async () => {
  const readKey = newKey("read", "Grace");
  const ingestKey = newKey("ingest", "orders");
  await sendOne(ingestKey);
  await send(server, "api/v1/saved", { name: "Names", address: "explore?view=table&group=name&last=1h" }, adminKey);
  crawlspace("note", "add", "of another");

  const short = await comeIn(new URL("s/1", server).href, readKey, ingestKey);
  const { page, open, leave } = short;
  assert.match(page.url(), /\/explore\?view=table/, "the short link led on");
  await page.getByRole("button", { name: "1 note" }).click();
  await page.getByText("Only the key that it was made with").waitFor();
  await open("live");
  await page.getByText("Waiting for the next event").waitFor();

  await forget(page);
  await dialogOf(page).getByText("This server answers only who has a key").waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("crawlspace.key")), null);
  // Who declines sees why there is nothing, and is asked when they want to be.
  await press(page, "Escape");
  await dialogOf(page).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Health", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "A key is needed" }).first().waitFor();
  assert.equal(await page.getByText("orders").count(), 0, "nothing is left of what was read");
  assert.deepEqual(await axe(page), [], "without a key");
  await page.getByRole("button", { name: "Give a key" }).first().click();
  await give(page, readKey);
  await page.getByRole("heading", { name: "How the store fares" }).waitFor();
  await page.getByRole("cell", { name: "spans", exact: true }).waitFor();

  crawlspace("key", "revoke", numberOf(readKey));
  await page.reload();
  await dialogOf(page).getByText("does not take the key that is kept here any more").waitFor();
  await give(page, adminKey);
  await page.getByRole("cell", { name: "spans", exact: true }).waitFor();
  await leave();
});
