// Every page, full and empty, light and dark, wide and narrow: it opens from its address, is sound to axe, does not
// overflow, and leads everywhere by keyboard.
import assert from "node:assert/strict";
import { axe, journey, server, settled, visitor } from "./browser.mjs";
import { seed, slowTrace } from "./seed.mjs";

const pages = () => [
  "",
  "explore",
  "compare?selection=status_code%20%3D%20%27error%27&last=3h",
  `trace/${slowTrace || "4bf92f3577b34da6a3ce929d0e0e4736"}`,
  "entity?field=tenant.id&value=t-07&last=3h",
  "map?last=3h",
  "sql",
  "live",
  "health",
];

async function look(colorScheme, width) {
  const { page, open, leave } = await visitor({ colorScheme, viewport: { width, height: 900 } });
  for (const path of pages()) {
    await open(path);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await settled(page);
    const found = await axe(page);
    assert.deepEqual(found, [], `${path}, ${colorScheme}, ${width} px`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${width} px, ${colorScheme}`);
  }
  await leave();
}

async function walkByKeyboard() {
  const { page, open, leave } = await visitor();
  await open("");
  for (const name of ["Explore", "Compare", "Map", "Who", "Live", "SQL", "Health", "Now"]) {
    const link = page.getByRole("navigation").getByRole("link", { name, exact: true });
    for (let step = 0; step < 200 && !(await link.evaluate((one) => one === document.activeElement)); step += 1) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.waitForFunction((text) => document.querySelector(`nav [aria-current="page"]`)?.textContent === text, name);
    await page.evaluate(() => document.activeElement?.blur());
  }
  await leave();
}

await journey("pages", async () => {
  await look("light", 1440);
  await look("dark", 390);
  await seed(server);
  await look("light", 390);
  await look("dark", 1440);
  await walkByKeyboard();
});
