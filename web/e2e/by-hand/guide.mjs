// The pictures of docs/guide, taken anew: `node guide.mjs http://127.0.0.1:4320 DIRECTORY`, against a new and empty store.
import { mkdirSync } from "node:fs";
import { journey, server, settled, visitor } from "../browser.mjs";
import { culprit, seed, seedMetrics, send, slowTrace } from "../seed.mjs";

const directory = process.argv[3] ?? "pictures";
const viewport = { width: 1180, height: 640 };
const ago = (minutes) => `${BigInt(Date.now() - minutes * 60_000) * 1_000_000n}`;

async function keep() {
  const saved = [
    ["Slow payments by tenant", "Who waits for pay.example. Look here first when support calls.", "explore?group=tenant.id&last=3h"],
    ["Who waits longest", "Slowest orders first.", "explore?view=traces&sort=slowest&last=3h"],
    ["Map of the shop", "", "map?last=3h"],
  ];
  for (const [name, description, address] of saved) await send(server, "api/v1/saved", { name, description, address });
  await send(server, "api/v1/notes", { text: "cart 1.4.2 is out", time: ago(80) });
  const text = "pay.example says it has an incident\nhttps://status.pay.example/121";
  await send(server, "api/v1/notes", { text, time: ago(32), end: ago(5) });
}

async function take(page, name) {
  await settled(page);
  await page.waitForFunction(() => !document.body.innerText.includes("Reading "));
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${directory}/${name}.png` });
}

const pages = [
  ["now", ""],
  ["explore", "explore?last=3h"],
  ["map", "map?last=3h"],
  ["metrics", "explore?table=metrics&metric=http.server.response.size&group=http.route&calculate=rate(value)&step=1m"],
  ["who", `entity?field=tenant.id&value=${culprit}&last=3h`],
  ["saved", "saved"],
];

async function box(page) {
  const plot = page.getByRole("figure", { name: /duration_ns by time and value/ }).locator("canvas").first();
  const { x, y, width, height } = await plot.boundingBox();
  await page.mouse.move(x + width * 0.78, y + height * 0.03);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.9, y + height * 0.2, { steps: 8 });
  await page.mouse.move(x + width * 0.985, y + height * 0.3, { steps: 8 });
  await page.mouse.up();
  await page.mouse.move(0, 0);
}

mkdirSync(directory, { recursive: true });
await journey("guide", async () => {
  await seed(server);
  await seedMetrics(server);
  const { page, open, leave } = await visitor({ viewport });
  for (const [name, path] of pages.slice(0, -1)) {
    await open(path);
    await take(page, name);
  }
  await open("map?last=3h");
  await page.getByRole("button", { name: /^vendor pay.example/ }).first().click();
  await take(page, "place");
  await open("explore?view=heatmap&last=3h");
  await settled(page);
  await box(page);
  await take(page, "box");
  await page.getByRole("button", { name: "What is different in this box" }).click();
  await page.getByText(`tenant.id is ${culprit} on all of the selection`).first().waitFor();
  await take(page, "different");
  await open(`trace/${slowTrace}`);
  await page.getByRole("treegrid").getByText("POST pay").click();
  await page.getByRole("complementary", { name: "The chosen span" }).getByText("pay.example").first().waitFor();
  await take(page, "trace");

  await keep();
  await open(pages.at(-1)[1]);
  await take(page, "saved");
  await open("explore?last=3h");
  await page.getByRole("button", { name: /^Note: pay.example/ }).first().click();
  await take(page, "note");
  await leave();

  const phone = await visitor({ viewport: { width: 390, height: 760 }, colorScheme: "dark" });
  await phone.open("explore?last=3h");
  await take(phone.page, "phone");
  await phone.leave();
});
