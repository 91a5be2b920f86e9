// Without a mouse: each control of each page is reached with Tab, named and seen to have the focus, and the main action of
// each page, of the frame and of its menus is done by keys alone.
import assert from "node:assert/strict";
import { journey, server, settled, visitor } from "./browser.mjs";
import { pressOn, walkInside, walkThrough } from "./focus.mjs";
import { culprit, seed, seedMetrics, send } from "./seed.mjs";
import { tabTo, tabToItem } from "./steps.mjs";

const pages = [
  "?live=false",
  "explore",
  "explore?view=series",
  "explore?view=heatmap",
  "explore?view=events&limit=4",
  "explore?view=traces&limit=4",
  "explore?table=logs&view=lines",
  "explore?table=metrics",
  "compare?selection=status_code%20%3D%20%27error%27&last=3h",
  "entity",
  `entity?field=tenant.id&value=${culprit}&last=3h`,
  "map",
  "map?view=table",
  "sql?statement=SELECT%20name%2C%20duration_ns%20FROM%20spans%20LIMIT%203",
  "live",
  "health",
  "saved",
];

/** A page with nothing pressed on it yet. */
async function at({ page, open }, path) {
  await open(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await settled(page);
  return page;
}

const asked = (page, name) => page.waitForFunction((one) => new URLSearchParams(location.search).has(one), name);
const box = (page, name) => page.getByRole("combobox", { name, exact: true });
const button = (page, name) => page.getByRole("button", { name, exact: true });

async function frame(person) {
  const page = await at(person, "explore");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  await page.keyboard.press("t");
  await page.getByLabel("Time", { exact: true }).fill("last 45 minutes");
  await page.keyboard.press("Enter");
  await button(page, "Time: Last 45m").waitFor();
  await pressOn(page, button(page, "Twice as long"));
  await button(page, "Time: Last 90m").waitFor();

  await page.keyboard.press("/");
  await box(page, "Field").and(page.locator(":focus")).waitFor();
  await page.keyboard.type("tenant.i");
  await page.getByRole("option", { name: "tenant.id" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await tabTo(page, box(page, "Value"));
  await page.keyboard.type("t-0");
  // With how often it occurs.
  await page.getByRole("option", { name: /^t-07 ?\d/ }).waitFor();
  await page.keyboard.type("7");
  await page.keyboard.press("Enter");
  const chip = page.getByRole("list", { name: "Filters" });
  await chip.getByText("t-07").waitFor();

  await pressOn(page, button(page, "Environment: All environments"));
  await page.getByRole("menuitem", { name: /production/ }).waitFor();
  await tabToItem(page, /production/);
  await page.keyboard.press("Enter");
  await button(page, "Environment: production").waitFor();
  assert.equal(await chip.getByRole("listitem").count(), 1);
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await page.getByRole("heading", { name: "What talks to what" }).waitFor();
  await button(page, "Environment: production").waitFor();
  await chip.getByText("t-07").waitFor();
  await pressOn(page, page.getByRole("button", { name: /^Remove the filter tenant.id/ }));
  await chip.waitFor({ state: "hidden" });

  await pressOn(page, page.getByRole("banner").getByRole("button", { name: "More" }));
  await tabToItem(page, "Dark");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.documentElement.dataset.mantineColorScheme === "dark");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog");
  await palette.locator("input:focus").waitFor();
  await page.keyboard.type("who");
  // Nothing else fits.
  await palette.getByText("Explore", { exact: true }).waitFor({ state: "hidden" });
  await palette.getByText("Who is this").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Who is this" }).waitFor();
}

/** What opens over a page is walked over, too, and left with Escape. */
async function overlays(person) {
  const page = await at(person, "explore?where=%5B%7B%22field%22:%22kind%22,%22operator%22:%22%3D%22,%22value%22:%22server%22%7D%5D");
  const dialog = page.getByRole("dialog");
  await walkInside(page, button(page, "Time: Last hour"), dialog, "the time picker");
  await walkInside(page, button(page, "Add a filter"), dialog, "a new filter");
  await walkInside(page, button(page, "kind is server"), dialog, "a filter");
  await walkInside(page, button(page, "History"), dialog, "the history");
  await pressOn(page, button(page, "JSON and SQL"));
  await pressOn(page, button(page, "Copy SQL"));
  await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text.startsWith("SELECT")));
  await pressOn(page, button(page, "Export"));
  await tabToItem(page, "Copy as cURL");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text.startsWith("curl")));
  await pressOn(page, page.getByRole("banner").getByRole("button", { name: "More" }));
  await tabToItem(page, "Access key");
  await page.keyboard.press("Enter");
  await page.getByLabel("Key", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
}

/** Asks again by itself, shows since when, and stays in the address; `u` turns every time of the page. */
async function liveAndZone(person) {
  const page = await at(person, "explore?view=table&last=15m");
  const asOf = page.getByRole("button", { name: /^as of/ });
  const first = await asOf.innerText();
  let questions = 0;
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/query")) questions += 1;
  });
  await page.keyboard.press(".");
  await asked(page, "live");
  await page.waitForFunction((before) => !document.body.innerText.includes(before), first);
  assert.ok(questions >= 1);
  await page.keyboard.press(".");
  await page.getByRole("button", { name: "Live", exact: true, pressed: false }).waitFor();

  // Thirty minutes off the hour: no clock of a person's is the same as UTC.
  const { page: page2, open, leave } = await visitor({ timezoneId: "Asia/Kolkata" });
  await at({ page: page2, open }, "explore?view=events&limit=3&last=3h");
  const time = () => page2.getByRole("table").getByText(/^\d{4}-\d\d-\d\d \d\d:\d\d/).first().innerText();
  const local = await time();
  await page2.keyboard.press("u");
  await page2.waitForFunction((before) => !document.body.innerText.includes(before), local);
  const apart = Date.parse(`${local.replace(" ", "T")}Z`) - Date.parse(`${(await time()).replace(" ", "T")}Z`);
  assert.equal(apart, 5.5 * 3_600_000);
  await page2.keyboard.press("g");
  await page2.keyboard.press("h");
  // The server began in this hour of UTC or in the one before.
  const hours = [0, 1].map((ago) => new Date(Date.now() - ago * 3_600_000).toISOString().slice(0, 14).replace("T", " "));
  await page2.getByText(new RegExp(`since (${hours.join("|")})`)).waitFor();
  await leave();
}

async function now(person) {
  const page = await at(person, "?last=3h&live=false");
  await pressOn(page, page.getByRole("table").first().getByRole("button", { name: "storefront", exact: true }));
  await tabToItem(page, "Show only these");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "Filters" }).getByText("storefront").waitFor();
  await pressOn(page, page.getByRole("table").getByRole("link", { name: "GET /buy" }).first());
  await page.waitForURL(/\/trace\//);
}

async function explore(person) {
  const page = await at(person, "explore?last=3h");
  await tabTo(page, box(page, "Calculate"));
  await page.keyboard.type("p95(dur");
  await page.keyboard.press("Enter");
  await page.getByRole("columnheader", { name: "p95(duration_ns)" }).waitFor();
  await page.keyboard.press("Escape");
  await pressOn(page, page.getByRole("columnheader").getByRole("button", { name: "p95(duration_ns)" }));
  await asked(page, "order");
  await pressOn(page, page.getByRole("button", { name: "More" }).last());
  await tabTo(page, box(page, "Where (SQL)"));
  await page.keyboard.type("http.route = ");
  await page.getByRole("option", { name: /^\/buy ?[\d,]+$/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await asked(page, "condition");
  await pressOn(page, page.getByRole("link", { name: "Heatmap" }));
  await page.getByRole("group", { name: /arrow keys move a box/ }).waitFor();
  await tabTo(page, page.getByRole("group", { name: /arrow keys move a box/ }));
  await page.keyboard.press("ArrowUp");
  await asked(page, "box");
  await pressOn(page, button(page, "What is different in this box"));
  await page.getByRole("heading", { name: "What is different" }).waitFor();

  await at(person, "explore?view=events&limit=3");
  await pressOn(page, button(page, "All fields of this event").first());
  await page.getByRole("definition").filter({ hasText: "storefront" }).or(page.getByRole("definition").filter({ hasText: "checkout" })).first().waitFor();

  await at(person, "explore?view=table");
  await tabTo(page, page.getByRole("radio", { name: "Spans" }));
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("heading", { name: "Explore metrics" }).waitFor();
  await tabTo(page, box(page, "Metric"));
  await page.keyboard.type("response.size");
  await page.getByRole("option", { name: /response.size.*counter, bytes/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("cell", { name: /KiB\/s/ }).waitFor();
}

async function others(person) {
  let page = await at(person, "compare?last=3h");
  await tabTo(page, box(page, "of which"));
  await page.keyboard.type("tenant.id = ");
  await page.getByRole("option", { name: /^t-07/ }).waitFor();
  await page.keyboard.type(`'${culprit}'`);
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Verdict" }).waitFor();

  page = await at(person, "entity?last=3h");
  await tabTo(page, box(page, "Field"));
  await page.keyboard.type("tenant.id");
  await tabTo(page, box(page, "Value"));
  await page.keyboard.type(culprit);
  await page.keyboard.press("Escape");
  await pressOn(page, button(page, "Show"));
  await page.getByRole("heading", { level: 1, name: `Who is tenant.id ${culprit}` }).waitFor();

  page = await at(person, "map?last=3h");
  await pressOn(page, page.locator(".react-flow__node").first());
  await asked(page, "place");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !new URLSearchParams(location.search).has("place"));

  page = await at(person, "sql");
  await tabTo(page, page.getByRole("textbox", { name: "Statement" }));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("SELECT max(duration_ns) AS slowest_ns FROM spans");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("cell", { name: /^1\.\d+ s$/ }).waitFor();
  await pressOn(page, button(page, "Save as"));
  await tabToItem(page, "CSV");
  const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(file.suggestedFilename(), "crawlspace.csv");

  page = await at(person, "live");
  await page.keyboard.press(".");
  await page.getByRole("button", { name: /^Go on/ }).waitFor();
  await pressOn(page, page.getByRole("button", { name: /^Go on/ }));
  await button(page, "Pause").waitFor();
}

await journey("keyboard", async () => {
  await seed(server, 2_000);
  await seedMetrics(server);
  await send(server, "api/v1/saved", { name: "Slow tenants", address: "explore?group=tenant.id" });
  // A smaller window is drawn faster, and there are hundreds of steps.
  const person = await visitor({ viewport: { width: 1100, height: 640 } });
  for (const path of pages) {
    await at(person, path);
    await walkThrough(person.page, `/${path}`);
  }
  for (const act of [frame, overlays, now, explore, others, liveAndZone]) await act(person);
  await person.leave();
});
