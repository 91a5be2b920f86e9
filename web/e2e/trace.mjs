// The trace page by keyboard alone: every control of every tab, its panel, its menus, its files. And all of it to axe, light
// and dark.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { axe, journey, server, settled, visitor } from "./browser.mjs";
import { chooseFrom, press, tabTo, until } from "./steps.mjs";
import { largeTrace, sendLargeTrace } from "./large.mjs";

const otherTrace = "1a46e000000000000000000000000051";
const tabs = ["Waterfall", "Flame", "Statistics", "Spans", "Logs", "Compare"];

const grid = (page) => page.getByRole("treegrid", { name: "Spans by time" });
const panel = (page) => page.getByRole("complementary", { name: "The chosen span" });
const active = (page) => grid(page).locator(".wf-focused");

const rowCount = async (page) => Number(await grid(page).getAttribute("aria-rowcount")) - 1;

async function rowsAndFolding(page) {
  await tabTo(page, grid(page));
  const folded = await rowCount(page);
  await press(page, "Home", "ArrowDown");
  await active(page).getByText("×8 similar").waitFor();
  assert.equal(await active(page).getAttribute("aria-expanded"), "false");
  await press(page, "ArrowRight");
  await until(async () => (await rowCount(page)) > folded, "the group opens");
  assert.equal(await active(page).getAttribute("aria-expanded"), "true");
  await press(page, "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft");
  await until(async () => (await rowCount(page)) === folded, "the group is folded");
  await press(page, "]");
  await until(async () => (await rowCount(page)) === 1, "everything is folded");
  await press(page, "o");
  await until(async () => (await rowCount(page)) === folded, "one level is open");
  await press(page, "p");
  await until(async () => (await rowCount(page)) === 1, "one level is folded");
  await press(page, "[");
  await until(async () => (await rowCount(page)) === folded, "all is open");
}

async function searchAndFilters(page) {
  const search = page.getByRole("textbox", { name: "Search in the trace" });
  await press(page, "/");
  assert.ok(await search.evaluate((one) => one === document.activeElement));
  await page.keyboard.type("item.id=item-77");
  await page.locator(".wf-tools").getByText("1", { exact: true }).waitFor();
  await press(page, "Enter");
  await active(page).and(page.locator(".wf-found")).waitFor();
  await tabTo(page, page.getByRole("button", { name: "Next found" }));
  await press(page, "Enter");
  await page.locator(".wf-tools").getByText("1 of 1").waitFor();
  await tabTo(page, search, "Shift+Tab");
  await press(page, "Escape");
  assert.equal(await search.inputValue(), "");
  await until(() => grid(page).evaluate((one) => one === document.activeElement), "the rows have the focus again");

  const errors = page.getByRole("checkbox", { name: "Errors only" });
  const all = await rowCount(page);
  await tabTo(page, errors, "Shift+Tab");
  await press(page, "Space");
  await until(async () => (await rowCount(page)) < all, "only errors are left");
  await press(page, "Space");
  await until(async () => (await rowCount(page)) === all, "all are back");
  await tabTo(page, page.getByRole("checkbox", { name: "Critical path" }));
  await press(page, "Space");
  await until(async () => (await page.locator(".wf-critical").count()) === 0, "no critical path");
  await press(page, "Space");
  await page.locator(".wf-critical").first().waitFor();
  await tabTo(page, page.getByRole("button", { name: "Fold all" }));
  await press(page, "Enter");
  await until(async () => (await rowCount(page)) === 1, "all is folded");
  await tabTo(page, page.getByRole("button", { name: "Open all" }), "Shift+Tab");
  await press(page, "Enter");
  await tabTo(page, page.getByRole("button", { name: "Keys of this page" }));
  await press(page, "Enter");
  await page.getByText("only the time of the row").waitFor();
  await press(page, "Escape");
}

async function timeAndWidth(page) {
  await tabTo(page, grid(page));
  const map = page.getByRole("img", { name: /The whole trace; shown is/ });
  const whole = await map.getAttribute("aria-label");
  await press(page, "+");
  await until(async () => (await map.getAttribute("aria-label")) !== whole, "it is closer");
  await press(page, "d", "a", "-", "z");
  await tabTo(page, page.getByRole("button", { name: "Whole trace" }), "Shift+Tab");
  await press(page, "Enter");
  await until(async () => (await map.getAttribute("aria-label")) === whole, "all of it is shown");
  const width = page.getByRole("separator", { name: "Width of the names" });
  await tabTo(page, width);
  const before = Number(await width.getAttribute("aria-valuenow"));
  await press(page, "ArrowRight");
  await until(async () => Number(await width.getAttribute("aria-valuenow")) === before + 2, "the names have more room");
  await press(page, "ArrowLeft");
}

async function spanPanel(page) {
  await tabTo(page, grid(page), "Shift+Tab");
  await press(page, "Home", "Enter");
  await panel(page).getByRole("heading", { name: "nightly import" }).waitFor();
  await press(page, "Escape");
  await panel(page).waitFor({ state: "detached" });
  await press(page, "/");
  await page.keyboard.type("exception");
  await page.locator(".wf-tools").getByText("1", { exact: true }).waitFor();
  await press(page, "Enter");
  await active(page).and(page.locator(".wf-found")).waitFor();
  await press(page, "Escape", "Enter");
  await panel(page).getByRole("heading", { name: "INSERT items" }).waitFor();
  await panel(page).getByRole("heading", { name: /exception/ }).waitFor();
  await tabTo(page, panel(page).getByRole("textbox", { name: "Search in the attributes" }));
  await page.keyboard.type("tenant");
  await panel(page).getByText("1 of 8").waitFor();
  const value = panel(page).getByRole("button", { name: /t-0/ });
  await tabTo(page, value);
  await press(page, "Enter");
  // Before it has the focus, the key is the panel's.
  await page.locator("[role=menu]:focus-within").waitFor();
  await press(page, "Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  const resource = panel(page).locator("summary", { hasText: "Resource" });
  await tabTo(page, resource);
  const isOpen = () => resource.evaluate((one) => one.parentElement.open);
  const was = await isOpen();
  await press(page, "Enter");
  assert.notEqual(await isOpen(), was);
  await tabTo(page, panel(page).getByRole("button", { name: "Close the span" }), "Shift+Tab");
  await press(page, "Enter");
  await panel(page).waitFor({ state: "detached" });
  await until(() => grid(page).evaluate((one) => one === document.activeElement), "the rows have the focus again");
}

async function onward(page) {
  for (const [name, path] of [
    ["All like this", /explore.*INSERT/],
    ["This endpoint", /explore.*http\.route/],
    ["This tenant", /entity.*tenant\.id/],
    ["Before and after", /explore/],
  ]) {
    await tabTo(page, grid(page));
    await press(page, "Enter");
    await tabTo(page, panel(page).getByRole("link", { name }));
    await press(page, "Enter");
    await page.waitForURL(path);
    await page.goBack();
    await grid(page).waitFor();
  }
  await tabTo(page, grid(page));
  await press(page, "Escape");
  await panel(page).waitFor({ state: "detached" });
}

/** From wherever the focus is to a tab, by the tab list's own keys. */
async function toTab(page, name) {
  const selected = page.getByRole("tab", { selected: true });
  await tabTo(page, selected, "Shift+Tab");
  for (let step = 0; step < tabs.length; step += 1) {
    if ((await selected.textContent()) === name) return;
    await press(page, "ArrowRight");
  }
  throw new Error(`no tab ${name}`);
}

/** The link to a span opens the panel; closing it leads back to the link. */
async function opensPanel(page, link) {
  await tabTo(page, link);
  await press(page, "Enter");
  const close = panel(page).getByRole("button", { name: "Close the span" });
  await tabTo(page, close);
  await press(page, "Enter");
  await panel(page).waitFor({ state: "detached" });
  await until(() => link.evaluate((one) => one === document.activeElement), "the focus is back");
}

async function flame(page) {
  await toTab(page, "Flame");
  const graph = page.getByRole("application", { name: /Flame graph/ });
  await tabTo(page, graph);
  await press(page, "ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown");
  await page.locator(".flame-said").getByText("batch").waitFor();
  await press(page, "Enter");
  await panel(page).getByRole("heading", { name: "batch" }).waitFor();
  await tabTo(page, page.getByRole("button", { name: "Whole trace" }), "Shift+Tab");
  await press(page, "Enter");
  await tabTo(page, graph);
  await press(page, "Escape");
  await panel(page).waitFor({ state: "detached" });
}

async function tables(page) {
  await toTab(page, "Statistics");
  const spans = page.getByRole("columnheader", { name: /^Spans/ });
  await tabTo(page, spans.getByRole("button"));
  await press(page, "Enter");
  assert.equal(await spans.getAttribute("aria-sort"), "descending");
  await opensPanel(page, page.getByRole("button", { name: "stock · reserve" }));
  const by = page.getByRole("combobox", { name: "By" }).or(page.getByRole("textbox", { name: "By" })).first();
  await tabTo(page, by, "Shift+Tab");
  await press(page, "Control+a");
  await page.keyboard.type("tenant.id");
  await page.getByRole("option", { name: "tenant.id" }).waitFor();
  await press(page, "ArrowDown", "Enter");
  await page.getByRole("button", { name: "t-3", exact: true }).waitFor();

  await toTab(page, "Spans");
  const duration = page.getByRole("columnheader", { name: /^Duration/ });
  await tabTo(page, duration.getByRole("button"));
  await press(page, "Enter");
  assert.equal(await duration.getAttribute("aria-sort"), "descending");
  await opensPanel(page, page.getByRole("button", { name: "nightly import" }));

  // The table is one stop for Tab; the arrow keys move in it.
  await press(page, "End");
  await page.locator("tr[aria-rowindex='401'] button").and(page.locator(":focus")).waitFor();
  await press(page, "ArrowUp", "Home");
  await page.locator("tr[aria-rowindex='2'] button").and(page.locator(":focus")).waitFor();

  await toTab(page, "Logs");
  await page.getByText("batch 1 began").waitFor();
  await opensPanel(page, page.getByRole("button", { name: "job · batch" }).first());
}

async function compare(page) {
  await toTab(page, "Compare");
  const peers = page.getByRole("list", { name: "Others of this operation" });
  await tabTo(page, peers.getByRole("button").first());
  await press(page, "Enter");
  const differences = page.getByRole("region", { name: "Differences" });
  await differences.getByRole("cell", { name: /reserve/ }).first().waitFor();
  const field = page.getByRole("textbox", { name: "The other trace" });
  assert.equal(await field.inputValue(), otherTrace);
  await tabTo(page, field, "Shift+Tab");
  await press(page, "Control+a");
  await page.keyboard.type("nothing");
  await page.getByText("Not a trace id").waitFor();
  await press(page, "Control+a");
  await page.keyboard.type(`00-${otherTrace}-a000000000000001-01`);
  await press(page, "Enter");
  await differences.getByRole("cell", { name: /reserve/ }).first().waitFor();
}

async function download(page, item) {
  const coming = page.waitForEvent("download");
  await chooseFrom(page, "Download", item);
  const file = await coming;
  const path = await file.path();
  return { path, name: file.suggestedFilename(), content: JSON.parse(await readFile(path, "utf8")) };
}

async function files(page) {
  await page.evaluate(() => document.activeElement?.blur());
  await chooseFrom(page, "Copy", "Id");
  await page.getByText("Id copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), largeTrace);
  const otlp = await download(page, "OTLP JSON");
  const ofOtlp = ({ content }) => content.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((two) => two.spans));
  assert.equal(ofOtlp(otlp).length, 400);
  assert.match(otlp.name, /otlp\.json$/);
  const jaeger = await download(page, "Jaeger JSON");
  assert.equal(jaeger.content.data[0].spans.length, 400);

  const chooser = page.waitForEvent("filechooser");
  await tabTo(page, page.getByRole("button", { name: "Open a file" }));
  await press(page, "Enter");
  await (await chooser).setFiles({
    name: "trace.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(jaeger.content)),
  });
  await page.getByText("From a file; nothing of it was sent.").waitFor();
  assert.equal(ofOtlp(await download(page, "OTLP JSON")).length, 400);
  await tabTo(page, page.getByRole("button", { name: "Close the file" }));
  await press(page, "Enter");
  await page.getByText("From a file; nothing of it was sent.").waitFor({ state: "detached" });
}

async function sound(colorScheme) {
  const { page, open, leave } = await visitor({ colorScheme });
  for (const tab of tabs) {
    await open(`trace/${largeTrace}?span=a000000000000007&tab=${tab.toLowerCase()}&against=${otherTrace}`);
    await panel(page).getByText("Attributes").first().waitFor();
    await settled(page);
    assert.deepEqual(await axe(page), [], `${tab}, ${colorScheme}`);
  }
  await leave();
}

await journey("trace", async () => {
  await sendLargeTrace(server, { spans: 400, alike: true });
  await sendLargeTrace(server, { spans: 300, traceId: otherTrace, alike: true });
  const { page, open, leave } = await visitor();
  await open(`trace/${largeTrace}`);
  await grid(page).getByRole("row").nth(2).waitFor();
  for (const walk of [rowsAndFolding, searchAndFilters, timeAndWidth, spanPanel, onward, flame, tables, compare, files])
    await walk(page);
  await leave();
  await sound("light");
  await sound("dark");
});
