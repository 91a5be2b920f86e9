// Sends spans, log records and metrics with the OpenTelemetry SDK for Node: argv is the service's name, the protocol
// (grpc, http/protobuf, http/json) and the endpoint. Prints what its exporters were given, as OTLP requests in base64.
"use strict";

const { SpanKind, SpanStatusCode, ROOT_CONTEXT, trace, TraceFlags } = require("@opentelemetry/api");
const { SeverityNumber } = require("@opentelemetry/api-logs");
const transformer = require("@opentelemetry/otlp-transformer");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");
const { AggregationType, MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");

const [service, protocol, endpoint] = process.argv.slice(2);
const sent = { traces: [], logs: [], metrics: [] };

// An exporter of that signal which writes down what it is given.
function exporter(signal, name, serializer) {
  const folder = { traces: "trace", logs: "logs", metrics: "metrics" }[signal];
  const kind = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" }[protocol];
  const Exporter = require(`@opentelemetry/exporter-${folder}-otlp-${kind}`)[name];
  const url = protocol === "grpc" ? endpoint : `${endpoint}/v1/${signal}`;
  const inner = new Exporter({ url, compression: signal === "logs" ? "gzip" : "none" });
  const give = inner.export.bind(inner);
  inner.export = (items, done) => {
    sent[signal].push(Buffer.from(serializer.serializeRequest(items)).toString("base64"));
    give(items, (result) => {
      if (result.code !== 0) {
        console.error(`${signal} were not taken:`, result.error);
        process.exitCode = 1;
      }
      done(result);
    });
  };
  return inner;
}

const resource = resourceFromAttributes({
  "service.name": service,
  "service.version": "1.4.0",
  "host.cpus": 4,
  "process.command_args": ["node", "shop.js"],
});
const attributes = {
  text: "Zürich 東京 🚀 \\ \" \n",
  empty: "",
  int: 42,
  negative: -7,
  double: 0.1,
  whole: -0.5,
  yes: true,
  "list.text": ["a", "", "ü"],
  "list.int": [1, -2],
  "list.empty": [],
};

async function traces() {
  const spans = exporter("traces", "OTLPTraceExporter", transformer.ProtobufTraceSerializer);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(spans)] });
  const tracer = provider.getTracer("checkout", "2.3.4", { schemaUrl: "https://opentelemetry.io/schemas/1.38.0" });
  const root = tracer.startSpan("POST /orders", { kind: SpanKind.SERVER, attributes });
  const within = trace.setSpan(ROOT_CONTEXT, root);
  const linked = { traceId: "0102030405060708090a0b0c0d0e0f10", spanId: "0102030405060708", traceFlags: TraceFlags.SAMPLED };
  const child = tracer.startSpan(
    "charge",
    { kind: SpanKind.CLIENT, links: [{ context: linked, attributes: { why: "retry" } }], attributes: { "server.address": "pay.example" } },
    within,
  );
  child.addEvent("retried", { attempt: 2 });
  child.recordException(new Error("declined"));
  child.setStatus({ code: SpanStatusCode.ERROR, message: "declined" });
  child.end();
  root.setStatus({ code: SpanStatusCode.OK });
  root.end();
  await provider.shutdown();
  return within;
}

async function logs(within) {
  const records = exporter("logs", "OTLPLogExporter", transformer.ProtobufLogsSerializer);
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: records })] });
  const logger = provider.getLogger("checkout", "2.3.4");
  const severity = { severityNumber: SeverityNumber.WARN, severityText: "WARN" };
  logger.emit({ ...severity, body: "card declined", attributes, context: within });
  logger.emit({ eventName: "feature_flag.evaluation", attributes: { "feature_flag.key": "express" } });
  logger.emit({ body: { order: { id: 7, lines: ["a", "b"] } } });
  await provider.shutdown();
}

async function metrics() {
  const points = exporter("metrics", "OTLPMetricExporter", transformer.ProtobufMetricsSerializer);
  const reader = new PeriodicExportingMetricReader({ exporter: points });
  const exponential = { instrumentName: "charge.duration", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } };
  const provider = new MeterProvider({ resource, readers: [reader], views: [exponential] });
  const meter = provider.getMeter("checkout", "2.3.4");
  meter.createCounter("orders", { unit: "{order}", description: "Orders placed" }).add(3, { plan: "pro" });
  meter.createUpDownCounter("carts").add(-2);
  meter.createGauge("queue.length").record(7.5, { queue: "mail" });
  const histogram = meter.createHistogram("order.total", { unit: "EUR" });
  const charges = meter.createHistogram("charge.duration", { unit: "s" });
  for (const value of [0, 3, 12.5, 80, 12_000]) {
    histogram.record(value, { plan: "pro" });
    charges.record(value);
  }
  await provider.shutdown();
}

traces()
  .then(logs)
  .then(metrics)
  .then(() => console.log(JSON.stringify(sent)));
