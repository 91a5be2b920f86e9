// Every page in all of empty and full, light and dark, wide and narrow: it opens from its address, is sound to axe, and
// is not wider than the window; and what it says when the server does not answer, refuses, or has nothing.
import assert from "node:assert/strict";
import { axe, journey, ofColours, server, settled, visitor } from "./browser.mjs";
import { seed, seedMetrics, send, slowTrace } from "./seed.mjs";

const unknownTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const pages = () => [
  "",
  "explore",
  "explore?table=logs&view=lines",
  "explore?table=metrics&metric=http.server.request.duration&calculate=p99(histogram)",
  "compare?selection=status_code%20%3D%20%27error%27&last=3h",
  `trace/${slowTrace || unknownTrace}`,
  `trace/${slowTrace || unknownTrace}?tab=flame`,
  `trace/${slowTrace || unknownTrace}?tab=statistics`,
  "entity?field=tenant.id&value=t-07&last=3h",
  "map?last=3h",
  "sql?statement=SELECT%20time%2C%20name%2C%20duration_ns%20FROM%20spans%20LIMIT%205",
  "live",
  "health",
  "saved",
  "s/4711",
  "no/such/page",
];

const looks = [
  { colorScheme: "light", width: 1440 },
  { colorScheme: "dark", width: 1440, rules: ofColours },
  { colorScheme: "dark", width: 390 },
  { colorScheme: "light", width: 390, rules: ofColours },
];

/** Looks at a page in each way, where it stands: by all rules at each width, and by those of colours in each scheme. */
async function lookAt(page, what, some = looks) {
  for (const { colorScheme, width, rules } of some) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    const where = `${what}, ${colorScheme}, ${width} px`;
    assert.deepEqual(await axe(page, rules), [], where);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
  }
}

async function lookAtAll(what) {
  const { page, open, leave } = await visitor();
  for (const path of pages()) {
    await open(path);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await settled(page);
    await lookAt(page, `${what}: /${path}`);
  }
  await leave();
}

/** What is asked at each page, and cannot be answered. */
const asked = ["", "explore", "compare?selection=kind%20%3D%20%27server%27", "entity?field=tenant.id&value=t-07", "map", "sql?statement=SELECT%201", "live", "health", "saved", "s/1"];

async function whatGoesWrong() {
  const { page, open, leave } = await visitor();
  await page.route(/\/(api\/|readyz)/, (route) => route.abort());
  for (const path of asked) {
    await open(path);
    await page.getByRole("alert").filter({ hasText: "cannot be reached" }).first().waitFor();
    await lookAt(page, `out of reach: /${path}`, [looks[0], looks[2]]);
  }
  await page.unrouteAll();
  await page.route(/\/api\//, (route) =>
    route.fulfill({ status: 403, json: { title: "Forbidden", status: 403, detail: "this key may not query" } }),
  );
  await open("explore");
  await page.getByText("A key may be needed").first().waitFor();
  await lookAt(page, "refused");
  await page.unrouteAll();

  await open("explore?group=servce.name");
  await page.getByRole("button", { name: "Use service.name instead" }).click();
  await page.getByRole("table").last().getByText("storefront").waitFor();
  await open("explore?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z");
  await page.getByText("Nothing here in this time").first().waitFor();
  await lookAt(page, "nothing in this time");
  await leave();
}

await journey("pages", async () => {
  await lookAtAll("empty");
  await seed(server, 2_000);
  await seedMetrics(server);
  await send(server, "api/v1/saved", { name: "Slow tenants", address: "explore?group=tenant.id" });
  await lookAtAll("full");
  await whatGoesWrong();
});
