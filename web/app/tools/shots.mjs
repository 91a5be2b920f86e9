// Takes screenshots of pages for review: node tools/shots.mjs OUT_DIR BASE PATH... (light and dark, 1440 and 390 wide).
import { mkdirSync } from "node:fs";
import { chromium } from "playwright";

const [out, base, ...pages] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1440, 390]) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: width > 700 ? 900 : 844 } });
    page.on("console", (message) => message.type() === "error" && console.log(colorScheme, width, message.text()));
    page.on("pageerror", (error) => console.log(colorScheme, width, String(error)));
    for (const path of pages) {
      await page.goto(base + path);
      await page.waitForTimeout(1500);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (wide > 0) console.log(`${path} at ${width}: ${wide} px too wide`);
      const name = path.replace(/\?.*/, "").replace(/\W+/g, "_") || "home";
      await page.screenshot({ path: `${out}/${name}-${colorScheme}-${width}.png` });
    }
    await page.close();
  }
}
await browser.close();
