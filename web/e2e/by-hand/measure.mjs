// Measures what people wait for: `node measure.mjs http://127.0.0.1:4320 [trace id]`, against a store with data; large.mjs
// sends a trace that is worth it, and CRAWLSPACE_MEASURE_EVENTS has so many spans sent first, all of the last hour.
// Figures, no verdict: a machine that does something else makes them larger.
import { journey, server, visitor } from "../browser.mjs";
import { seed } from "../seed.mjs";

const traceId = process.argv[3];
const events = Number(process.env.CRAWLSPACE_MEASURE_EVENTS ?? 0);
const median = (values) => values.sort((left, right) => left - right)[Math.floor(values.length / 2)];
const told = (name, values) => console.log(`${name}: ${Math.round(median(values))} ms (of ${values.length})`);

async function opened(open, page, path, ready) {
  const began = performance.now();
  await open(path);
  await ready(page).first().waitFor();
  return performance.now() - began;
}

await journey("measure", async () => {
  if (events) await seed(server, events / 4, 58);
  const home = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const { page, open, leave } = await visitor();
    home.push(await opened(open, page, "", (one) => one.getByRole("heading", { name: "Services" })));
    await leave();
  }
  told("home, first load until its services", home);

  const { page, open } = await visitor();
  await open();
  await page.getByRole("heading", { name: "Services" }).waitFor();
  const pages = [
    ["Explore", "Explore spans"],
    ["Compare", "What is different"],
    ["Map", "What talks to what"],
    ["Who", /Who/],
    ["Live", "New spans as they come"],
    ["SQL", "Ask in SQL"],
    ["Health", "How the store fares"],
  ];
  for (const [link, heading] of pages) {
    const changes = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const began = performance.now();
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: link, exact: true }).click();
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      changes.push(performance.now() - began);
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Now", exact: true }).click();
      await page.getByRole("heading", { name: "Services" }).waitFor();
    }
    told(`to ${link}`, changes);
  }
  if (!traceId) return;
  for (const [name, view] of [
    ["its outline", "?view=outline"],
    ["all of it", ""],
  ]) {
    const answers = [];
    let bytes = 0;
    for (let turn = 0; turn < 5; turn += 1) {
      const began = performance.now();
      bytes = (await (await fetch(new URL(`api/v1/traces/${traceId}${view}`, server))).arrayBuffer()).byteLength;
      answers.push(performance.now() - began);
    }
    told(`a trace from the API, ${name}, ${(bytes / 1e6).toFixed(1)} MB`, answers);
  }
  const trace = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const one = await visitor();
    trace.push(await opened(one.open, one.page, `trace/${traceId}`, (at) => at.getByRole("treegrid").getByRole("row")));
    if (turn < 4) await one.leave();
    else {
      const frames = await one.page.evaluate(async () => {
        const rows = [...document.querySelectorAll("[role=treegrid] *, [role=treegrid]")];
        const scroller = rows.find((row) => row.scrollHeight > row.clientHeight + 1_000 && getComputedStyle(row).overflowY !== "visible");
        const began = performance.now();
        let count = 0;
        while (performance.now() - began < 3_000) {
          scroller.scrollTop += 240;
          await new Promise(requestAnimationFrame);
          count += 1;
        }
        return count / ((performance.now() - began) / 1_000);
      });
      console.log(`scrolling the trace: ${frames.toFixed(0)} frames/s`);
    }
  }
  told("a trace, first load until its rows", trace);
});
