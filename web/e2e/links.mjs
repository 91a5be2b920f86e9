// Links: a pasted trace id leads to its trace, to its user and that one's day; a link sent to somebody else shows the same
// view with the same numbers, under a path of its own too.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { journey, server, visitor } from "./browser.mjs";
import { seed, seedMetrics, slowTrace } from "./seed.mjs";

/** What a proxy does that serves Crawlspace below a path. */
async function proxied(prefix) {
  const target = new URL(server);
  const proxy = createServer((incoming, answer) => {
    if (!incoming.url.startsWith(prefix)) return answer.writeHead(404).end();
    const path = `/${incoming.url.slice(prefix.length)}`;
    const options = { host: target.hostname, port: target.port, path, method: incoming.method };
    const headers = { ...incoming.headers, host: target.host };
    if (headers.origin) headers.origin = target.origin;
    const onward = request({ ...options, headers }, (said) => {
      answer.writeHead(said.statusCode, said.headers);
      said.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));
  return proxy;
}

const numbers = (page) => page.getByRole("table").last().innerText();

await journey("links", async () => {
  await seed(server);
  const { page, open, leave } = await visitor();
  await open("explore");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByLabel("Go to").fill(`00-${slowTrace}-00f067aa0ba902b7-01`);
  await page.getByText("Open the trace").click();
  await page.getByRole("heading", { level: 1, name: "GET /buy" }).waitFor();
  await page.getByRole("treegrid").getByText("POST /orders").click();
  await page.getByRole("navigation", { name: "From this span" }).getByRole("link", { name: "This user" }).click();
  await page.getByRole("heading", { level: 1, name: /Who is user.id u-/ }).waitFor();
  await page.getByRole("link", { name: "Its last 24 hours" }).click();
  await page.waitForURL(/\/explore/);
  await page.getByText("storefront").first().waitFor();

  // The name of a metric is enough: what is shown of it suits its kind, and going back leads to where one was.
  await seedMetrics(server);
  await open("explore?table=metrics&view=table&metric=http.server.request.duration");
  await page.getByRole("columnheader", { name: "p99(histogram)" }).waitFor();
  await page.goBack();
  await page.getByText("storefront").first().waitFor();

  await open("explore?last=3h&view=table&group=name");
  await page.getByRole("table").last().getByText("POST pay").waitFor();
  await page.getByRole("banner").getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Copy a link with fixed times" }).click();
  await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text.includes("from=")));
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const shown = await numbers(page);
  await leave();

  const other = await visitor();
  await other.page.goto(link);
  await other.page.getByRole("table").last().getByText("POST pay").waitFor();
  assert.equal(await numbers(other.page), shown);
  await other.leave();

  const prefix = "/tools/crawlspace/";
  const proxy = await proxied(prefix);
  const origin = `http://127.0.0.1:${proxy.address().port}`;
  const below = await visitor({ origin });
  await below.page.goto(`${origin}${prefix}trace/${slowTrace}`);
  await below.page.getByRole("heading", { level: 1, name: "GET /buy" }).waitFor();
  await below.page.getByRole("link", { name: "Explore", exact: true }).click();
  await below.page.getByRole("table").getByText("storefront").first().waitFor();
  assert.ok(below.page.url().startsWith(`${origin}${prefix}explore`));
  await below.leave();
  proxy.closeAllConnections();
  proxy.close();
});
