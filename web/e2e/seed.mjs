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

async function send(server, path, body) {
  const answer = await fetch(new URL(path, server), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.text());
}

export async function sendSpans(server, byService) {
  const resourceSpans = Object.entries(byService).map(([service, spans]) => ({
    resource: { attributes: attributes({ "service.name": service, "service.version": "1.4.2" }) },
    scopeSpans: [{ scope: { name: "shop" }, spans }],
  }));
  await send(server, "v1/traces", { resourceSpans });
}

/** Visits evenly over the last two and a half hours. */
export async function seed(server, visits = 6_000) {
  const began = Date.now() - 150 * minute;
  const step = (150 * minute - 5_000) / visits;
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
