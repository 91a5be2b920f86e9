"""Sends spans with the OpenTelemetry SDK to the endpoint in argv[1]; prints what it sent as one JSON list."""

import base64
import json
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context

START = 1_795_000_000_123_456_789

VALUES = {
    "text": "plain",
    "text.empty": "",
    "text.unicode": "Zürich 東京 🚀 e\u0301 \u0000 \" \\ \n",
    "text.long": "x" * 100_000 + "end",
    "int": 42,
    "int.negative": -7,
    "int.beyond_double": 2**53 + 1,
    "int.largest": 2**63 - 1,
    "int.smallest": -(2**63),
    "double": 0.1,
    "double.whole": 3.0,
    "double.tiny": 5e-324,
    "double.huge": -1.7976931348623157e308,
    "bool.true": True,
    "bool.false": False,
    "list.text": ["a", "", "ü"],
    "list.int": [1, -2, 2**53 + 1],
    "list.double": [0.5, 2.0],
    "list.bool": [True, False],
    "list.empty": [],
    "bytes": b"\x00\xff raw",
    "ключ": "значение",
    "shared": "of the span",
}


class Recorder(SpanProcessor):
    """Remembers each span as the SDK hands it to its exporter."""

    def __init__(self):
        self.spans = []

    def on_end(self, span):
        self.spans.append(span)


def plain(value):
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def attributes(of):
    return {key: plain(value) for key, value in (of or {}).items()}


def sent(span):
    return {
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "status_code": span.status.status_code.name.lower(),
        "status_message": span.status.description,
        "time": span.start_time,
        "duration_ns": span.end_time - span.start_time,
        "scope.name": span.instrumentation_scope.name,
        "scope.version": span.instrumentation_scope.version,
        "attributes": attributes(span.attributes),
        "scope": attributes(span.instrumentation_scope.attributes),
        "resource": attributes(span.resource.attributes),
        "events": [
            {"time": event.timestamp, "name": event.name, "attributes": attributes(event.attributes)}
            for event in span.events
        ],
        "links": [
            {
                "trace_id": f"{link.context.trace_id:032x}",
                "span_id": f"{link.context.span_id:016x}",
                "attributes": attributes(link.attributes),
            }
            for link in span.links
        ],
    }


def emit(tracer):
    root = tracer.start_span("корень", kind=SpanKind.SERVER, start_time=START)
    inside = set_span_in_context(root)
    for at, (key, value) in enumerate(VALUES.items()):
        root.set_attribute(key, value)
        root.add_event(f"event of {key}", {key: value}, timestamp=START + 1 + at)
    for kind in SpanKind:
        start = START + 1_000 * (kind.value + 1)
        span = tracer.start_span(f"a {kind.name}", inside, kind=kind, start_time=start)
        if kind.value % 2:
            span.set_status(Status(StatusCode.OK))
        span.end(start + 1)
    link = Link(root.get_span_context(), {"why": "batch", "n": 2**53 + 1})
    linked = tracer.start_span("linked", links=[link, link], start_time=START + 17)
    linked.record_exception(ValueError("no ü"), timestamp=START + 23)
    linked.set_status(Status(StatusCode.ERROR, "it broke: ü"))
    linked.end(START + 99)
    root.end(START + 987_654_321)


def main():
    recorder = Recorder()
    for service, compression in (("sdk-plain", Compression.NoCompression), ("sdk-gzip", Compression.Gzip)):
        resource = {"service.name": service, "host.name": "h-1", "replicas": 3, "shared": "of the resource"}
        provider = TracerProvider(resource=Resource.create(resource))
        exporter = OTLPSpanExporter(endpoint=sys.argv[1], compression=compression)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        provider.add_span_processor(recorder)
        emit(provider.get_tracer("scope-ü", "1.2.3", attributes={"scope.key": True, "shared": "of the scope"}))
        provider.shutdown()
    print(json.dumps([sent(span) for span in recorder.spans]))


main()
