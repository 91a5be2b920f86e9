// What a team keeps together: a view is saved, its short link shows anybody the same numbers, it is renamed and deleted; a
// note pinned by a script is on the charts at its time, is changed and deleted. All by keyboard.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { axe, journey, server, settled, visitor } from "./browser.mjs";
import { pressOn } from "./focus.mjs";
import { seed } from "./seed.mjs";
import { tabTo } from "./steps.mjs";

const program = process.env.CRAWLSPACE_TEST_PROGRAM ?? "crawlspace";
const crawlspace = (...flags) => execFileSync(program, [...flags, "--server", server], { encoding: "utf8" });
const numbers = (page) => page.getByRole("table").last().innerText();
const noteText = "cart 1.4.2 is out";

const press = (page, target, key) => pressOn(page, target.first(), key);

async function isSound(page, what) {
  assert.deepEqual(await axe(page), [], what);
}

/** Saves the view with fixed times; gives its short link. */
async function save(page, name) {
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog", { name: "Save this view" });
  await dialog.getByLabel("Name").waitFor();
  await page.keyboard.type(name);
  await press(page, dialog.getByLabel("What it is good for"), "x");
  await press(page, dialog.getByLabel(/With fixed times/), "Space");
  await isSound(page, "the dialogue to save");
  await press(page, dialog.getByRole("button", { name: "Save", exact: true }));
  const saved = page.getByRole("dialog", { name: "Saved" });
  const copy = saved.getByRole("button", { name: "Copy the link" });
  await press(page, copy);
  await saved.getByText("Copied").first().waitFor();
  await page.keyboard.press("Escape");
  return page.evaluate(() => navigator.clipboard.readText());
}

async function savedViews() {
  const { page, open, leave } = await visitor({ colorScheme: "dark" });
  await open("saved");
  await page.getByText("Nothing is saved yet").waitFor();
  await isSound(page, "no saved questions, dark");
  await open("explore?last=3h&view=table&group=name");
  await page.getByRole("table").last().getByText("POST pay").waitFor();
  const shown = await numbers(page);
  const link = await save(page, "Names of three hours");
  assert.match(link, /\/s\/1$/);

  const other = await visitor();
  await other.page.goto(link);
  await other.page.getByRole("table").last().getByText("POST pay").waitFor();
  assert.equal(await numbers(other.page), shown);
  assert.match(other.page.url(), /\/explore\?.*from=/);
  await other.leave();
  assert.match(crawlspace("saved", "show", "1"), /Names of three hours/);

  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("heading", { level: 1, name: "Saved questions" }).waitFor();
  await press(page, page.getByRole("button", { name: "Rename Names of three hours" }));
  const dialog = page.getByRole("dialog", { name: "Change the name" });
  await dialog.getByLabel("Name").waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Who does what");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Who does what" }).waitFor();
  await tabTo(page, page.getByLabel("Find a saved question").first());
  await page.keyboard.type("nothing like it");
  await page.getByText("None is called so").waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("WHO does");
  await page.getByRole("link", { name: "Who does what" }).waitFor();
  await isSound(page, "saved questions, dark");

  await page.keyboard.press("Control+k");
  await page.getByLabel("Go to").fill("who does");
  await page.getByText("Who does what").last().waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("table").last().getByText("POST pay").waitFor();
  assert.equal(await numbers(page), shown);

  await open("saved");
  await press(page, page.getByRole("button", { name: "Delete Who does what" }));
  await page.getByText("Delete it for everyone?").waitFor();
  // The focus is on the way out.
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing is saved yet").waitFor();
  await page.goto(link);
  await page.getByText("Nothing is saved as 1").waitFor();
  await leave();
}

/** Every mark of the note is where its time is on its chart. */
async function isAtItsTime(page, marks, at) {
  const search = new URL(page.url()).searchParams;
  const [from, to] = ["from", "to"].map((name) => Date.parse(search.get(name).replaceAll('"', "")));
  for (const mark of await marks.all()) {
    const [found, drawing] = await mark.evaluate((one) => {
      const middle = (box) => box.left + box.width / 2;
      const over = one.closest(".chart-laid").querySelector(".u-over").getBoundingClientRect();
      return [middle(one.getBoundingClientRect()), { left: over.left, width: over.width }];
    });
    const expected = drawing.left + ((at - from) / (to - from)) * drawing.width;
    assert.ok(Math.abs(found - expected) < 2, `the mark is at ${found} px, its time at ${expected} px`);
  }
}

async function notes() {
  const hour = 3_600_000;
  const from = new Date(Date.now() - 2 * hour).toISOString();
  const to = new Date().toISOString();
  const at = Date.now() - hour;
  const { page, open, leave } = await visitor();
  const view = `explore?from=${from}&to=${to}`;
  crawlspace("note", "add", noteText, "--at", `${at}`, "--about", "service.name=storefront");
  await open(view);
  const marks = page.getByRole("button", { name: `Note: ${noteText}` });
  await marks.nth(1).waitFor();
  await settled(page);
  assert.equal(await marks.count(), 2, "on the lines and on the heatmap");
  await isAtItsTime(page, marks, at);
  await isSound(page, "a chart with a note");

  const card = page.getByRole("article", { name: "Note 1" });
  await press(page, marks);
  await card.getByText(noteText).waitFor();
  await isSound(page, "an open note");
  await press(page, card.getByRole("button", { name: "Change note 1" }));
  const dialog = page.getByRole("dialog", { name: "Change the note" });
  await dialog.getByLabel("What happened").waitFor();
  await page.keyboard.press("End");
  await page.keyboard.type(", and back again");
  await isSound(page, "the dialogue to change a note");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: `Note: ${noteText}, and back again` }).first().waitFor();
  assert.match(crawlspace("note", "list"), /and back again/);

  // A click on a chart offers a note at that moment.
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "detached" });
  const drawing = page.locator(".u-over").first();
  const { width, height } = await drawing.boundingBox();
  await drawing.click({ position: { x: width / 4, y: height / 2 } });
  await page.getByRole("button", { name: /^Pin a note at/ }).waitFor();
  await page.keyboard.press("Enter");
  const when = page.getByRole("dialog", { name: "Pin a note" }).getByLabel(/^When/);
  await when.waitFor();
  const clicked = Date.parse((await when.inputValue()).replace(" ", "T"));
  assert.ok(Math.abs(clicked - (at - hour / 2)) < 60_000, `a quarter of the time is clicked, not ${new Date(clicked)}`);
  await page.keyboard.press("Escape");
  await when.waitFor({ state: "detached" });

  const chip = (value) => encodeURIComponent(JSON.stringify([{ field: "service.name", operator: "=", value }]));
  await open(`${view}&where=${chip("checkout")}`);
  await page.getByText("No notes in this time").waitFor();
  await open(`${view}&where=${chip("storefront")}`);
  await marks.first().waitFor();

  await page.keyboard.press("n");
  const pin = page.getByRole("dialog", { name: "Pin a note" });
  await pin.getByLabel("What happened").waitFor();
  await page.keyboard.type("a look at it");
  await tabTo(page, pin.getByLabel(/^When/).first());
  await page.keyboard.press("Control+a");
  await page.keyboard.type(new Date(at + hour / 2).toISOString());
  await tabTo(page, pin.getByLabel("Until").first());
  await page.keyboard.type(new Date(at + 0.75 * hour).toISOString());
  assert.ok(await pin.getByLabel("service.name is storefront").isChecked());
  await page.keyboard.press("Enter");
  await press(page, page.getByRole("button", { name: "2 notes" }));
  const row = page.getByRole("row", { name: /a look at it/ });
  await row.getByText("storefront").waitFor();
  await press(page, row.getByRole("button", { name: "Delete note 2" }));
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await row.waitFor({ state: "detached" });
  assert.match(crawlspace("note", "delete", "1"), /is deleted/);
  await leave();
}

/** Whoever has a key of their own changes what they made, and no more. */
async function withKeys() {
  crawlspace("note", "add", "of another");
  const key = crawlspace("key", "create", "--scope", "read", "--name", "Grace").trim();
  const { page, open, leave } = await visitor({ colorScheme: "dark", viewport: { width: 390, height: 800 } });
  await open("");
  await page.evaluate((secret) => localStorage.setItem("crawlspace.key", secret), key);
  await open("explore");
  await press(page, page.getByRole("button", { name: "1 note" }));
  await page.getByText("Only the key that it was made with").waitFor();
  await save(page, "Grace's");
  await open("saved");
  await page.getByRole("listitem").filter({ hasText: "Grace's" }).getByText(/by Grace/).waitFor();
  await page.getByRole("button", { name: "Delete Grace's" }).waitFor();
  await isSound(page, "saved questions on a phone");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `the saved questions are ${overflow} px too wide`);
  await page.evaluate(() => localStorage.clear());
  await leave();
}

await journey("saved", async () => {
  await seed(server);
  await savedViews();
  await notes();
  await withKeys();
});
