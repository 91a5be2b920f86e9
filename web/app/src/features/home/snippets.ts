// How to send data from each language, with this server's address filled in.

/** Where data goes: the server's own address, and the key's placeholder where one is asked for. */
export type Target = { address: string; hostname: string; key: string | null };

export type Snippet = { id: string; name: string; note?: string; parts: { title?: string; text: string }[] };

/** The page's own server: its main port takes OTLP over HTTP too, whatever the other ports are. */
export function targetOf(page: { origin: string; hostname: string }, prefix: string, keyed: boolean): Target {
  return {
    address: page.origin + prefix.replace(/\/$/, ""),
    hostname: page.hostname,
    key: keyed ? "YOUR_INGEST_KEY" : null,
  };
}

export function snippetsFor({ address, key }: Target): Snippet[] {
  const variables = [
    "export OTEL_SERVICE_NAME=shop",
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${address}`,
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ...(key ? [`export OTEL_EXPORTER_OTLP_HEADERS=x-crawlspace-key=${key}`] : []),
  ].join("\n");
  const first = { title: "Where to send", text: variables };
  return [
    {
      id: "variables",
      name: "Variables",
      note: "Every OpenTelemetry SDK reads these. If your program has one already, this is all.",
      parts: [{ text: variables }],
    },
    { id: "collector", name: "Collector", parts: [{ text: collector(address, key) }] },
    {
      id: "node",
      name: "Node",
      parts: [
        first,
        {
          title: "Run with the agent",
          text: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js",
        },
      ],
    },
    {
      id: "python",
      name: "Python",
      parts: [
        first,
        {
          title: "Run with the agent",
          text: "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python app.py",
        },
      ],
    },
    { id: "go", name: "Go", parts: [first, { title: "In the program", text: go }] },
    {
      id: "java",
      name: "Java",
      note: "The agent is opentelemetry-javaagent.jar, from the releases of opentelemetry-java-instrumentation.",
      parts: [first, { title: "Run with the agent", text: "java -javaagent:opentelemetry-javaagent.jar -jar app.jar" }],
    },
    { id: "rust", name: "Rust", parts: [first, { title: "In the program", text: rust }] },
    {
      id: "browser",
      name: "Browser",
      note: "Web pages need a key of their own, which lists the pages that may use it: everyone can read it there.",
      parts: [
        {
          title: "Make the key",
          text: "crawlspace key create --scope browser --name shop --origin https://shop.example",
        },
        { title: "In the page", text: browser(address) },
      ],
    },
    {
      id: "curl",
      name: "curl",
      note: "One span by hand, to see that it works.",
      parts: [{ text: curl(address, key) }],
    },
  ];
}

const collector = (address: string, key: string | null) => `receivers:
  otlp:
    protocols:          # not the usual ports if Crawlspace runs on the same machine
      grpc: {endpoint: "127.0.0.1:14317"}
      http: {endpoint: "127.0.0.1:14318"}
exporters:
  otlp_http:            # otlphttp before version 0.144
    endpoint: ${address}
    compression: zstd${key ? `\n    headers: {x-crawlspace-key: ${key}}` : ""}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_http]}
    logs: {receivers: [otlp], exporters: [otlp_http]}
    metrics: {receivers: [otlp], exporters: [otlp_http]}`;

const go = `// go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk
// go get go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
exporter, err := otlptracehttp.New(ctx) // reads the variables above
if err != nil {
	return err
}
provider := trace.NewTracerProvider(trace.WithBatcher(exporter)) // go.opentelemetry.io/otel/sdk/trace
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`;

const rust = `// opentelemetry, opentelemetry_sdk, and opentelemetry-otlp with its default features
let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?; // reads the variables above
let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
    .with_batch_exporter(exporter)
    .build();
opentelemetry::global::set_tracer_provider(provider.clone());
// At the end: provider.shutdown()?`;

const browser = (address: string) => `// npm install @opentelemetry/api @opentelemetry/resources
// npm install @opentelemetry/sdk-trace-web @opentelemetry/exporter-trace-otlp-http
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const exporter = new OTLPTraceExporter({
  url: "${address}/v1/traces",
  headers: { "x-crawlspace-key": "YOUR_BROWSER_KEY" },
});
new WebTracerProvider({
  resource: resourceFromAttributes({ "service.name": "shop-web" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).register();
trace.getTracer("page").startSpan("open").end();`;

// Spans need times: the shell fills them in, so that the span is of now.
const curl = (address: string, key: string | null) => `now=$(date +%s)
curl -s ${address}/v1/traces -H 'content-type: application/json'${key ? ` \\\n  -H 'x-crawlspace-key: ${key}'` : ""} -d '{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "hello"}}]},
  "scopeSpans": [{"spans": [{"name": "first span", "kind": 2,
    "traceId": "'$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')'",
    "spanId": "'$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')'",
    "startTimeUnixNano": "'$now'000000000", "endTimeUnixNano": "'$now'250000000"}]}]}]}'`;
