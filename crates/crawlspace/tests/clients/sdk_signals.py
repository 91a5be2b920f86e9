"""Sends spans, log records and metrics with the OpenTelemetry SDK for Python: argv is the service's name, the protocol
(grpc, http/protobuf) and the endpoint. Prints what its exporters were given, as OTLP requests in base64."""

import base64
import importlib
import json
import logging
import sys

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, set_span_in_context

service, protocol, endpoint = sys.argv[1:]
sent = {"traces": [], "logs": [], "metrics": []}
failed = []

RESOURCE = Resource(
    {"service.name": service, "service.version": "1.4.0", "host.cpus": 4, "process.command_args": ["python", "shop.py"]}
)
ATTRIBUTES = {
    "text": "Zürich 東京 🚀 \\ \" \n",
    "empty": "",
    "int": 2**53 + 1,
    "smallest": -(2**63),
    "double": 0.1,
    "whole": 3.0,
    "yes": True,
    "list.text": ["a", "", "ü"],
    "list.double": [0.5, 2.0],
    "list.empty": [],
}


def exporter(signal, name, encode):
    """An exporter of that signal which writes down what it is given."""
    module = {"traces": "trace_exporter", "logs": "_log_exporter", "metrics": "metric_exporter"}[signal]
    package = "grpc" if protocol == "grpc" else "http"
    of = getattr(importlib.import_module(f"opentelemetry.exporter.otlp.proto.{package}.{module}"), name)
    if protocol == "grpc":
        inner = of(endpoint=endpoint, insecure=True)
    else:
        inner = of(endpoint=f"{endpoint}/v1/{signal}")
    give = inner.export

    def export(batch, *arguments, **named):
        sent[signal].append(base64.b64encode(encode(batch).SerializeToString()).decode())
        result = give(batch, *arguments, **named)
        if result.name != "SUCCESS":
            failed.append(signal)
        return result

    inner.export = export
    return inner


def traces():
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter("traces", "OTLPSpanExporter", encode_spans)))
    tracer = provider.get_tracer(
        "checkout", "2.3.4", schema_url="https://opentelemetry.io/schemas/1.38.0", attributes={"scope.mode": "test"}
    )
    root = tracer.start_span("POST /orders", kind=SpanKind.SERVER, attributes=ATTRIBUTES)
    within = set_span_in_context(root)
    link = Link(SpanContext(0x0102030405060708090A0B0C0D0E0F10, 0x0102030405060708, True), {"why": "retry"})
    child = tracer.start_span(
        "charge", within, kind=SpanKind.CLIENT, links=[link], attributes={"server.address": "pay.example"}
    )
    child.add_event("retried", {"attempt": 2})
    child.record_exception(ValueError("declined"))
    child.set_status(Status(StatusCode.ERROR, "declined"))
    child.end()
    root.set_status(Status(StatusCode.OK))
    root.end()
    provider.shutdown()
    return within


def logs(within):
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    records = exporter("logs", "OTLPLogExporter", encode_logs)
    provider.add_log_record_processor(BatchLogRecordProcessor(records))
    logger = provider.get_logger("checkout", "2.3.4")
    logger.emit(
        LogRecord(
            timestamp=1_795_000_000_123_456_789,
            context=within,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body="card declined",
            attributes=ATTRIBUTES,
        )
    )
    logger.emit(LogRecord(event_name="feature_flag.evaluation", attributes={"feature_flag.key": "express"}))
    logger.emit(LogRecord(body={"order": {"id": 7, "lines": ["a", "b"]}}))
    provider.shutdown()


def metrics():
    reader = PeriodicExportingMetricReader(exporter("metrics", "OTLPMetricExporter", encode_metrics))
    exponential = View(instrument_name="charge.duration", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, views=[exponential])
    meter = provider.get_meter("checkout", "2.3.4")
    meter.create_counter("orders", "{order}", "Orders placed").add(3, {"plan": "pro"})
    meter.create_up_down_counter("carts").add(-2)
    meter.create_gauge("queue.length").set(7.5, {"queue": "mail"})
    histogram = meter.create_histogram("order.total", "EUR")
    charges = meter.create_histogram("charge.duration", "s")
    for value in [0, 3, 12.5, 80, 12_000]:
        histogram.record(value, {"plan": "pro"})
        charges.record(value)
    provider.shutdown()


logging.basicConfig(stream=sys.stderr)
logs(traces())
metrics()
print(json.dumps(sent))
sys.exit(1 if failed else 0)
