// Sends one large trace, as a nightly job makes it: batches that load, price and store, some of them failing, with events
// and log records. `node large.mjs http://127.0.0.1:4320 [spans]` prints its id.
import { pathToFileURL } from "node:url";
import { send } from "./seed.mjs";

export const largeTrace = "1a46e000000000000000000000000050";
const spansPerBatch = 50;

const spanId = (number) => `a${(number + 1).toString(16).padStart(15, "0")}`;
const text = (key, value) => ({ key, value: { stringValue: value } });
const whole = (key, value) => ({ key, value: { intValue: String(value) } });

/** A span of a batch: the first is the batch itself, below the job; then a chain of three for every item. */
function spanOf({ traceId, alike }, number, start) {
  const batch = Math.floor(number / spansPerBatch);
  const inBatch = number % spansPerBatch;
  const service = ["job", "prices", "stock", "store"][inBatch === 0 ? 0 : 1 + (inBatch % 3)];
  const plain = inBatch === 0 ? "batch" : ["GET /prices/{item}", "reserve", "INSERT items"][inBatch % 3];
  const name = alike ? plain : `${plain} ${inBatch === 0 ? batch : inBatch}`;
  const parent = inBatch === 0 ? 0 : inBatch % 3 === 1 ? 1 + batch * spansPerBatch : number;
  const from = start + BigInt(batch) * 4_000_000n + BigInt(inBatch) * 70_000n;
  const failed = number % 997 === 5;
  return [
    service,
    {
      traceId,
      spanId: spanId(number + 1),
      parentSpanId: spanId(parent),
      name,
      kind: [1, 3, 2, 3][inBatch % 4],
      startTimeUnixNano: String(from),
      endTimeUnixNano: String(from + (inBatch === 0 ? 3_900_000n : 60_000n)),
      attributes: [
        whole("batch.number", batch),
        text("item.id", `item-${number}`),
        text("tenant.id", `t-${batch % 40}`),
        text("server.address", `${service}-${batch % 8}.internal`),
        whole("server.port", 8080),
        text("http.route", "/items/{item}"),
        whole("http.response.status_code", failed ? 500 : 200),
        text("thread.name", `worker-${number % 16}`),
      ],
      status: failed ? { code: 2, message: "the item is locked" } : {},
      events: failed
        ? [{ timeUnixNano: String(from + 20_000n), name: "exception", attributes: [text("exception.type", "Locked")] }]
        : [],
    },
  ];
}

/** Sends so many spans under one root, and a log record for every fiftieth. Those `alike` are few rows, others one each. */
export async function sendLargeTrace(server, { spans = 50_000, traceId = largeTrace, alike = false } = {}) {
  const start = BigInt(Date.now() - 60_000) * 1_000_000n;
  const root = {
    traceId,
    spanId: spanId(0),
    name: "nightly import",
    kind: 1,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.ceil(spans / spansPerBatch)) * 4_000_000n),
  };
  const resource = (service) => ({
    attributes: [text("service.name", service), text("service.version", "1.4.2"), text("host.name", `${service}-1`)],
  });
  for (let first = 0; first < spans - 1; first += 5_000) {
    const byService = first === 0 ? { job: [root] } : {};
    const logRecords = [];
    for (let number = first; number < Math.min(spans - 1, first + 5_000); number += 1) {
      const [service, span] = spanOf({ traceId, alike }, number, start);
      byService[service] ??= [];
      byService[service].push(span);
      if (number % spansPerBatch === 0)
        logRecords.push({
          timeUnixNano: span.startTimeUnixNano,
          traceId,
          spanId: span.spanId,
          severityNumber: 9,
          severityText: "INFO",
          body: { stringValue: `batch ${number / spansPerBatch} began` },
        });
    }
    const resourceSpans = Object.entries(byService).map(([service, list]) => ({
      resource: resource(service),
      scopeSpans: [{ scope: { name: "import" }, spans: list }],
    }));
    await send(server, "v1/traces", { resourceSpans });
    await send(server, "v1/logs", { resourceLogs: [{ resource: resource("job"), scopeLogs: [{ logRecords }] }] });
  }
  return traceId;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log(await sendLargeTrace(process.argv[2], { spans: Number(process.argv[3] ?? 50_000) }));
