// Hostile text in every field of every signal, keys too: no page runs it, loads it or breaks on it.
import assert from "node:assert/strict";
import { journey, server, settled, visitor } from "./browser.mjs";

const hurt = "globalThis.hurt=1";
const roots = [
  `<script>${hurt}</script>`,
  `<img src=x onerror=${hurt}>`,
  `"><svg onload=${hurt}>`,
  `'-${hurt}-'`,
  `javascript:${hurt}`,
  `data:text/html,<script>${hurt}</script>`,
  `</title><script>${hurt}</script>`,
  `</textarea><script>${hurt}</script>`,
  `--><script>${hurt}</script>`,
  `<iframe srcdoc="<script>parent.hurt=1</script>">`,
  `<a href="javascript:${hurt}">x</a>`,
  `<math><mtext></form><form><mglyph><style></math><img src onerror=${hurt}>`,
  `{{constructor.constructor('${hurt}')()}}`,
  `\${${hurt}}`,
  `__proto__`,
  `constructor.prototype.hurt`,
  `' OR 1=1 --`,
  `"; DROP TABLE spans; --`,
  "\u202Egnp.exe",
  "Z\u0334\u0322\u0321a\u0334\u0322lgo".repeat(20),
  "\u0000\u0001\u001b[31mred",
  "a".repeat(3_000),
  "\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67".repeat(60),
  "../../../../etc/passwd",
  "%00%3Cscript%3E",
];
const wraps = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => ` \t\n${text}\n`,
  (text) => text.replaceAll("<", "&lt;"),
  (text) => encodeURIComponent(text),
  (text) => `${text}${text}`,
  (text) => `"${text}"`,
  (text) => JSON.stringify({ [text]: text }),
];
const payloads = roots.flatMap((root) => wraps.map((wrap) => wrap(root)));
assert.equal(payloads.length, 200);

const text = (value) => ({ stringValue: value });
const traceOf = (number) => (number + 1).toString(16).padStart(32, "7");
const now = () => `${BigInt(Date.now() - 2_000) * 1_000_000n}`;

async function post(path, body) {
  const answer = await fetch(new URL(path, server), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function sendAll() {
  const attributes = (value, number) => [
    { key: value, value: text(value) },
    { key: `field.${number}`, value: text(value) },
    { key: "user.id", value: text(value) },
    { key: "http.route", value: text(value) },
    { key: "server.address", value: text(value) },
  ];
  const resource = (value) => ({ attributes: [{ key: "service.name", value: text(value) }] });
  await post("v1/traces", {
    resourceSpans: payloads.map((value, number) => ({
      resource: resource(value),
      scopeSpans: [
        {
          scope: { name: value, version: value },
          spans: [
            {
              traceId: traceOf(number),
              spanId: (number + 1).toString(16).padStart(16, "5"),
              name: value,
              kind: 3,
              startTimeUnixNano: now(),
              endTimeUnixNano: `${BigInt(now()) + 5_000_000n}`,
              attributes: attributes(value, number),
              status: { code: 2, message: value },
              events: [{ name: value, timeUnixNano: now(), attributes: attributes(value, number) }],
            },
          ],
        },
      ],
    })),
  });
  await post("v1/logs", {
    resourceLogs: payloads.map((value, number) => ({
      resource: resource(value),
      scopeLogs: [
        {
          scope: { name: value },
          logRecords: [
            {
              timeUnixNano: now(),
              severityText: value,
              body: text(value),
              traceId: traceOf(number),
              attributes: attributes(value, number),
            },
          ],
        },
      ],
    })),
  });
  await post("v1/metrics", {
    resourceMetrics: payloads.map((value, number) => ({
      resource: resource(value),
      scopeMetrics: [
        {
          scope: { name: value },
          metrics: [
            {
              name: value,
              description: value,
              unit: value.slice(0, 40),
              gauge: { dataPoints: [{ timeUnixNano: now(), asDouble: 1, attributes: attributes(value, number) }] },
            },
          ],
        },
      ],
    })),
  });
}

/** What people keep: texts that are too long or hold control characters are refused, all others kept. */
async function keepAll() {
  let kept = 0;
  for (const value of payloads) {
    const note = { text: value, about: [{ field: value.trim(), value: value.trim() }] };
    const question = { name: value, description: value, address: "explore" };
    for (const [path, body] of [["api/v1/notes", note], ["api/v1/saved", question]]) {
      const answer = await fetch(new URL(path, server), { method: "POST", body: JSON.stringify(body) });
      assert.ok([200, 400].includes(answer.status), await answer.text());
      if (answer.ok) kept += 1;
    }
  }
  assert.ok(kept > 200, `${kept} were kept`);
}

const evil = (path, parameters) => `${path}?${new URLSearchParams(parameters)}`;

await journey("hostile", async () => {
  await sendAll();
  await keepAll();
  const { page, open, leave } = await visitor({ viewport: { width: 1280, height: 900 } });
  page.on("dialog", (dialog) => assert.fail(`a dialog opened: ${dialog.message()}`));
  const views = ["table", "events", "lines", "series", "traces"];
  const paths = [
    "",
    ...["spans", "logs", "metrics"].flatMap((table) => views.map((view) => evil("explore", { table, view, last: "1h" }))),
    "map?last=1h",
    "live",
    "health",
    "saved",
    ...[0, 1, 9, 17, 60, 111, 175].flatMap((number) => [
      `trace/${traceOf(number)}`,
      evil("entity", { field: "user.id", value: payloads[number] }),
      evil("entity", { field: payloads[number], value: payloads[number] }),
      evil("compare", { selection: payloads[number] }),
      evil("sql", { statement: payloads[number] }),
      evil("explore", { group: payloads[number], table: "spans" }),
    ]),
  ];
  for (const path of paths) {
    await open(path);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await settled(page);
    const state = await page.evaluate(() => ({
      hurt: globalThis.hurt ?? {}.hurt,
      prototype: Object.keys(Object.prototype),
      wide: document.documentElement.scrollWidth - window.innerWidth,
    }));
    assert.deepEqual(state, { hurt: undefined, prototype: [], wide: Math.min(0, state.wide) }, path);
  }
  await leave();
});
