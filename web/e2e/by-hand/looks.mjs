// Pictures of every page, for people's eyes: `node looks.mjs http://127.0.0.1:4320 DIRECTORY [part of a name]`. Each is
// taken in light and dark, wide and narrow, of whatever the server holds; then once more with nobody answering.
import { mkdirSync } from "node:fs";
import { journey, server, settled, visitor } from "../browser.mjs";

const [, , , directory = "looks", part = ""] = process.argv;
const range = process.env.CRAWLSPACE_LOOKS_LAST ?? "15m";

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(new URL(path, server), { method: "POST", headers, body: JSON.stringify(body) });
  return answer.json();
}

/** Traces worth a picture: the longest two that failed. */
async function badTraces() {
  const sql =
    "SELECT trace_id, count(*) AS n FROM spans WHERE status_code = 'error' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 2";
  const { rows = [] } = await post("api/v1/sql", { sql });
  return rows.map(([id]) => id);
}

const [trace = "4bf92f3577b34da6a3ce929d0e0e4736", other = trace] = await badTraces();
const keys = (text) => async (page) => {
  for (const key of text.split(" ")) await page.keyboard.press(key);
};
const click = (role, name) => (page) => page.getByRole(role, { name }).first().click();
const failed = encodeURIComponent("status_code = 'error'");
const tenant = "entity?field=tenant.id&value=acme";

/** Name, address, and what is done there first. */
const pages = [
  ["now", ""],
  ["explore", "explore"],
  ["explore-series", "explore?view=series&group=service.name&calculate=p99(duration_ns)"],
  ["explore-heatmap", "explore?view=heatmap"],
  ["explore-table", "explore?view=table&group=service.name&group=name"],
  ["explore-events", "explore?view=events"],
  ["explore-traces", "explore?view=traces"],
  ["explore-json", "explore", click("button", /JSON and SQL/)],
  ["explore-mistake", "explore?group=servce.name"],
  ["explore-nothing", "explore?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z"],
  ["logs", "explore?table=logs"],
  ["logs-lines", "explore?table=logs&view=lines"],
  ["logs-events", "explore?table=logs&view=events"],
  ["metrics", "explore?table=metrics"],
  ["metrics-counter", "explore?table=metrics&metric=http.server.response.size&group=http.route"],
  ["metrics-histogram", "explore?table=metrics&metric=http.server.request.duration"],
  ["compare-form", "compare"],
  ["compare", `compare?selection=${failed}`],
  ["compare-before", `compare?selection=kind%20%3D%20%27server%27&before=period`],
  ["compare-mistake", "compare?selection=status_cod%20%3D%201"],
  ["trace", `trace/${trace}`],
  ["trace-span", `trace/${trace}`, (page) => page.getByRole("treegrid").getByRole("row").nth(2).click()],
  ["trace-flame", `trace/${trace}?tab=flame`],
  ["trace-statistics", `trace/${trace}?tab=statistics`],
  ["trace-spans", `trace/${trace}?tab=spans`],
  ["trace-logs", `trace/${trace}?tab=logs`],
  ["trace-compare", `trace/${trace}?tab=compare`],
  ["trace-against", `trace/${trace}?tab=compare&against=${other}`],
  ["trace-file", "trace/file"],
  ["trace-unknown", "trace/4bf92f3577b34da6a3ce929d0e0e4737"],
  ["trace-wrong", "trace/no-such-thing"],
  ["who-form", "entity"],
  ["who", tenant],
  ["who-nobody", "entity?field=tenant.id&value=nobody"],
  ["map", "map"],
  ["map-place", "map", click("button", /^service checkout/)],
  ["map-before", "map?before=5m"],
  ["map-table", "map?view=table"],
  ["sql", "sql"],
  [
    "sql-rows",
    `sql?statement=${encodeURIComponent('SELECT time, "service.name", name, duration_ns, trace_id FROM spans LIMIT 20')}`,
  ],
  ["sql-mistake", `sql?statement=${encodeURIComponent("SELECT nam FROM spans")}`],
  ["live", "live", (page) => page.waitForTimeout(1_500)],
  ["live-logs", "live?table=logs", (page) => page.waitForTimeout(1_500)],
  ["health", "health"],
  ["saved", "saved"],
  ["saved-find", "saved?find=zzz"],
  ["short-unknown", "s/4711"],
  ["not-found", "no/such/page"],
  [
    "dialog-key",
    "health",
    async (page) => {
      await click("button", "More")(page);
      await click("menuitem", /key/i)(page);
    },
  ],
  ["dialog-settings", "health", click("button", "More")],
  ["dialog-help", "health", keys("?")],
  ["dialog-palette", "health", keys("Control+k")],
  ["dialog-time", "explore", keys("t")],
  ["dialog-filter", "explore", keys("/")],
  ["dialog-save", "explore", keys("s")],
  ["dialog-note", "explore", keys("n")],
];

/** What is asked at each page, and nobody answers. */
const unanswered = [
  "now",
  "explore",
  "metrics",
  "compare",
  "trace",
  "who",
  "map",
  "sql-rows",
  "live",
  "health",
  "saved",
  "short-unknown",
];

const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

async function take(prefix, chosen, isAnswered) {
  for (const [size, viewport] of Object.entries(sizes)) {
    const { page, open, leave } = await visitor({ viewport });
    page.setDefaultTimeout(10_000);
    if (!isAnswered) await page.route(/\/(api\/|readyz)/, (route) => route.abort());
    for (const [name, path, act] of chosen) {
      await page.emulateMedia({ colorScheme: "light" });
      await open(`${path}${path.includes("?") ? "&" : "?"}${path.includes("from=") ? "" : `last=${range}`}`);
      await settled(page);
      await page.waitForFunction(() => !/^Reading /m.test(document.body.innerText)).catch(() => {});
      // The second try, which every question without an answer has.
      if (!isAnswered) await page.waitForTimeout(2_500);
      try {
        await act?.(page);
      } catch (error) {
        console.log(`${prefix}${name}, ${size}: ${error.message.split("\n")[0]}`);
      }
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(250);
        const path = `${directory}/${prefix}${name}.${size}.${colorScheme}.png`;
        const height = Math.min(1_800, await page.evaluate(() => document.documentElement.scrollHeight));
        // What lies below the window is not drawn by browsers that save work.
        await page.setViewportSize({ width: viewport.width, height: Math.max(height, viewport.height) });
        await page.waitForTimeout(150);
        await page.screenshot({ path });
        await page.setViewportSize(viewport);
      }
    }
    await leave();
  }
}

mkdirSync(directory, { recursive: true });
await journey("looks", async () => {
  const chosen = pages.filter(([name]) => name.includes(part));
  await take("", chosen, true);
  await take(
    "unanswered-",
    chosen.filter(([name]) => unanswered.includes(name)),
    false,
  );
});
