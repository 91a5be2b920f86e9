// From odd to culprit: the first page's worst, its heatmap, a box, what is different in it, and a request that shows why.
import assert from "node:assert/strict";
import { journey, server, visitor } from "./browser.mjs";
import { culprit, seed } from "./seed.mjs";

await journey("culprit", async () => {
  await seed(server);
  const { page, open, leave } = await visitor();
  await open();
  await page.getByRole("link", { name: "See it: POST /orders at checkout" }).click();
  await page.getByRole("link", { name: "Heatmap" }).click();
  const plot = page.getByRole("figure", { name: /duration_ns by time and value/ }).locator("canvas").first();
  const { x, y, width, height } = await plot.boundingBox();
  // The slow ones are at the top.
  await page.mouse.move(x + width * 0.4, y + height * 0.04);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.7, y + height * 0.2, { steps: 8 });
  await page.mouse.move(x + width * 0.985, y + height * 0.3, { steps: 8 });
  await page.mouse.up();
  assert.ok(new URL(page.url()).searchParams.has("box"), "the box is in the address");
  await page.getByRole("button", { name: "What is different in this box" }).click();
  const verdict = page.getByText(`tenant.id is ${culprit} on all of the selection`).first();
  await verdict.waitFor();
  await page.getByRole("button", { name: `What to do with tenant.id ${culprit}` }).first().click();
  await page.getByRole("menuitem", { name: "Show a trace of these" }).click();
  await page.getByRole("heading", { level: 1, name: "GET /buy" }).waitFor();
  await page.getByRole("treegrid").getByText("POST pay").click();
  const panel = page.getByRole("complementary", { name: "The chosen span" });
  await panel.getByText(culprit).first().waitFor();
  await panel.getByText("pay.example").first().waitFor();
  await leave();
});
