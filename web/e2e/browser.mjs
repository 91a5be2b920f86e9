// Drives Chromium against a running Crawlspace. Whatever a journey does, nothing is asked of another origin, no script
// fails and no rule of the page's security policy is broken.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const modules = process.env.CRAWLSPACE_TEST_WEB_MODULES ?? new URL("../app/node_modules", import.meta.url).pathname;
const installed = createRequire(`${modules}/.package-lock.json`);
const { chromium } = installed("playwright");
const axeSource = readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");

/** The address of the server under test, with a slash at its end. */
export const server = process.argv[2].replace(/\/*$/, "/");

const browser = await chromium.launch({
  executablePath: process.env.CRAWLSPACE_TEST_CHROMIUM ?? "/usr/bin/chromium",
  // With names and roles as assistive technology has them.
  args: ["--no-sandbox", "--enable-blink-features=ComputedAccessibilityInfo"],
});

/** A fresh visitor: no storage, no cache. What goes wrong beside the journey fails it at `leave`. */
export async function visitor({ origin = new URL(server).origin, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`a script failed: ${error.stack}`));
  page.on("console", (message) => {
    // The browser itself tells of every refused request; those a journey provokes are seen on the page.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) faults.push(`the console says: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== origin) faults.push(`asked elsewhere: ${url}`);
  });
  return {
    page,
    open: (path = "") => page.goto(new URL(path, server).href),
    async leave() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** Waits until the page asks for nothing more; one that is told of new events never comes to an end. */
export async function settled(page) {
  await page.waitForLoadState("networkidle", { timeout: 2_000 }).catch(() => {});
}

/** What another colour scheme of the same page can do wrong. */
export const ofColours = ["color-contrast", "link-in-text-block"];

/** Serious faults of accessibility on the page as it is; by some rules only, if they are given. */
export async function axe(page, rules) {
  // The policy forbids scripts in the page's own text; the debugger's are let in.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource);
  const { violations } = await page.evaluate(
    (only) => globalThis.axe.run(document, { resultTypes: ["violations"], ...(only ? { runOnly: only } : {}) }),
    rules,
  );
  return violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.html).slice(0, 3)}`);
}

/** What helps to understand why something did not come. */
async function seenOn(page) {
  const seen = () => ({ focus: document.activeElement?.outerHTML.slice(0, 300), text: document.body.innerText.slice(0, 2_000) });
  const state = await page.evaluate(seen).catch((error) => error.message);
  return `${page.url()}: ${JSON.stringify(state)}`;
}

/** Runs a journey, and ends with 1 and its story where it fails. */
export async function journey(name, walk) {
  try {
    await walk();
    console.log(`${name}: ok`);
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    for (const page of browser.contexts().flatMap((context) => context.pages())) console.error(await seenOn(page));
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
