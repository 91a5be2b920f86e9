// Sends a small shop's telemetry: storefront → checkout → pay.example. For two hours all is well; in the last half hour
// the payments of one tenant are slow, and some fail.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

const minute = 60_000;
export const culprit = "t-07";
/** A trace of the culprit's. */
export let slowTrace = "";

const id = (text, bytes) => createHash("sha256").update(text).digest("hex").slice(0, bytes * 2);
const nanos = (milliseconds) => `${BigInt(Math.round(milliseconds * 1_000)) * 1_000n}`;
const attributes = (values) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: `${value}` } : { stringValue: value },
  }));

function visit(number, start) {
  const tenant = `t-${String(number % 12).padStart(2, "0")}`;
  const isHurt = tenant === culprit && start > Date.now() - 30 * minute;
  const pay = isHurt ? 900 + (number % 200) : 60 + (number % 40);
  const traceId = id(`visit ${number}`, 16);
  if (isHurt) slowTrace = traceId;
  const own = { "tenant.id": tenant, "user.id": `u-${number % 300}`, "session.id": `s-${number % 700}` };
  const span = (name, kind, parent, from, duration, more, failed = false) => ({
    traceId,
    spanId: id(`visit ${number} ${name}`, 8),
    parentSpanId: parent ? id(`visit ${number} ${parent}`, 8) : "",
    name,
    kind,
    startTimeUnixNano: nanos(start + from),
    endTimeUnixNano: nanos(start + from + duration),
    attributes: attributes({ ...own, ...more }),
    status: failed ? { code: 2, message: "the payment took too long" } : {},
  });
  const failed = isHurt && number % 24 === 7;
  return {
    storefront: [span("GET /buy", 2, "", 0, pay + 40, { "http.route": "/buy", "http.response.status_code": failed ? 502 : 200 }, failed)],
    checkout: [
      span("POST /orders", 2, "GET /buy", 5, pay + 25, { "http.route": "/orders" }, failed),
      span("SELECT orders", 3, "POST /orders", 8, 4, { "db.system.name": "postgresql", "db.namespace": "orders", "server.address": "pg-1" }),
      span("POST pay", 3, "POST /orders", 14, pay, { "server.address": "pay.example", "http.request.method": "POST" }, failed),
    ],
  };
}

/** Posts JSON, which has to be taken; with a key where one is asked for. */
export async function send(server, path, body, key) {
  const answer = await fetch(new URL(path, server), {
    method: "POST",
    headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, await answer.text());
}

export async function sendSpans(server, byService, environment = "production", key = undefined) {
  const resourceSpans = Object.entries(byService).map(([service, spans]) => ({
    resource: { attributes: attributes({ "service.name": service, "service.version": "1.4.2", "deployment.environment.name": environment }) },
    scopeSpans: [{ scope: { name: "shop" }, spans }],
  }));
  await send(server, "v1/traces", { resourceSpans }, key);
}

const numbers = (all) => all.map((one) => ({ ...one, attributes: attributes(one.attributes) }));

/** A counter, a gauge and a histogram of the checkout, a point every ten seconds over half an hour. */
export async function seedMetrics(server) {
  const began = Date.now() - 30 * minute;
  const steps = Array.from({ length: 179 }, (_, step) => step + 1);
  const points = (more) =>
    ["GET /buy", "POST /orders"].flatMap((route, place) =>
      steps.map((step) => ({
        startTimeUnixNano: nanos(began),
        timeUnixNano: nanos(began + step * 10_000),
        attributes: { "http.route": route },
        ...more(step, place + 1),
      })),
    );
  const cumulative = { aggregationTemporality: 2 };
  const metrics = [
    {
      name: "http.server.response.size",
      unit: "By",
      sum: { ...cumulative, isMonotonic: true, dataPoints: numbers(points((step, place) => ({ asInt: `${step * place * 40_960}` }))) },
    },
    {
      name: "process.memory.usage",
      unit: "By",
      gauge: { dataPoints: numbers(points((step, place) => ({ asInt: `${(300 + place * 20 + (step % 9)) * 1_048_576}` }))) },
    },
    {
      name: "http.server.request.duration",
      unit: "s",
      histogram: {
        ...cumulative,
        dataPoints: numbers(
          points((step, place) => ({
            count: `${step * 10}`,
            sum: step * place * 0.9,
            explicitBounds: [0.05, 0.1, 0.5, 1],
            bucketCounts: [step * 4, step * 3, step * 2, step, 0].map(String),
          })),
        ),
      },
    },
  ];
  await send(server, "v1/metrics", {
    resourceMetrics: [
      {
        resource: { attributes: attributes({ "service.name": "checkout", "deployment.environment.name": "production" }) },
        scopeMetrics: [{ scope: { name: "shop" }, metrics }],
      },
    ],
  });
}

/** Visits evenly over so many minutes until now, four spans each. */
export async function seed(server, visits = 6_000, minutes = 150) {
  const began = Date.now() - minutes * minute;
  const step = (minutes * minute - 5_000) / visits;
  for (let first = 0; first < visits; first += 500) {
    const all = Array.from({ length: Math.min(500, visits - first) }, (_, at) => visit(first + at, began + (first + at) * step));
    await sendSpans(server, {
      storefront: all.flatMap((one) => one.storefront),
      checkout: all.flatMap((one) => one.checkout),
    });
  }
  await send(server, "v1/logs", {
    resourceLogs: [
      {
        resource: { attributes: attributes({ "service.name": "checkout" }) },
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: nanos(Date.now() - 1_000),
                severityText: "WARN",
                severityNumber: 13,
                body: { stringValue: "the payment is slow" },
                traceId: slowTrace,
                attributes: attributes({ "tenant.id": culprit }),
              },
            ],
          },
        ],
      },
    ],
  });
}
