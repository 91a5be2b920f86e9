//! Rules about messages and records: what is stored, what is refused alone, what is said of it.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::Rule;
use super::call::{Call, Class, Way};
use super::requests::{Request, Signal, changed_spans, gauge, histogram, log, of_spans, spans};
use crate::otlp::{attribute, list, map, plain_spans, resource_spans, text};

const BINARY: &[Way] = &[Way::Protobuf, Way::Grpc];

pub fn rules() -> Vec<Rule> {
    let mut rules = whole();
    rules.extend(ids());
    rules.extend(parts());
    rules.extend(values());
    rules
}

/// A request of one span with that attribute.
fn with(service: &str, key: &str, value: Option<Value>) -> Request {
    let mut spans = plain_spans(1, 1);
    spans[0].attributes.push(KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    });
    of_spans(service, spans)
}

fn whole() -> Vec<Rule> {
    let empty = |signal| move |way, _: &str| Call::raw(way, signal, empty_message(way));
    vec![
        Rule::new(
            "spans are taken, and the answer has no partial success",
            |service| spans(service, 3),
        )
        .rows(3),
        Rule::new("log records are taken", |service| log(service, |_| ())),
        Rule::new("data points are taken", |service| gauge(service, |_| ())),
        Rule::by_call(
            "an empty request for spans is a success",
            &Way::ALL,
            empty(Signal::Traces),
        )
        .rows(0),
        Rule::by_call(
            "an empty request for logs is a success",
            &Way::ALL,
            empty(Signal::Logs),
        )
        .rows(0),
        Rule::by_call(
            "an empty request for metrics is a success",
            &Way::ALL,
            empty(Signal::Metrics),
        )
        .rows(0),
        Rule::new("a resource without records is a success", |service| {
            of_spans(service, Vec::new())
        })
        .rows(0),
        Rule::new(
            "several resources and scopes come in one request",
            |service| {
                let mut first = resource_spans(service, plain_spans(1, 2));
                first.scope_spans.push(ScopeSpans {
                    spans: plain_spans(2, 3),
                    ..ScopeSpans::default()
                });
                let resource_spans = vec![first, resource_spans(service, plain_spans(3, 4))];
                Request::Traces(ExportTraceServiceRequest { resource_spans })
            },
        )
        .rows(9),
        Rule::new("records without a resource are taken", |_| {
            let scope_spans = vec![ScopeSpans {
                spans: plain_spans(1, 1),
                ..ScopeSpans::default()
            }];
            let resource_spans = vec![ResourceSpans {
                scope_spans,
                ..ResourceSpans::default()
            }];
            Request::Traces(ExportTraceServiceRequest { resource_spans })
        })
        // It has no service to be found by.
        .rows(0),
        Rule::by_call(
            "fields that OTLP does not know are ignored",
            BINARY,
            |way, service| {
                let mut message = spans(service, 1).to_protobuf();
                // Field 999, length-delimited, two bytes.
                message.extend([0xba, 0x3e, 2, 1, 2]);
                Call::raw(way, Signal::Traces, message)
            },
        ),
    ]
}

fn empty_message(way: Way) -> &'static [u8] {
    match way {
        Way::Json => b"{}",
        Way::Protobuf | Way::Grpc => b"",
    }
}

fn ids() -> Vec<Rule> {
    let bad = |name, change: fn(u64, &mut Span), words| {
        Rule::new(name, move |service| changed_spans(service, 3, change))
            .rows(2)
            .rejects(1, words)
    };
    vec![
        bad(
            "a trace id of 15 bytes costs its span alone",
            |id, span| span.trace_id.truncate(if id == 2 { 15 } else { 16 }),
            "trace id",
        ),
        bad(
            "a trace id of 17 bytes costs its span alone",
            |id, span| span.trace_id.extend(vec![1; usize::from(id == 2)]),
            "trace id",
        ),
        bad(
            "a missing trace id costs its span alone",
            |id, span| span.trace_id.truncate(if id == 2 { 0 } else { 16 }),
            "trace id",
        ),
        bad(
            "a trace id of zeros costs its span alone",
            |id, span| span.trace_id = vec![u8::from(id != 2); 16],
            "trace id",
        ),
        bad(
            "a span id of 7 bytes costs its span alone",
            |id, span| span.span_id.truncate(if id == 2 { 7 } else { 8 }),
            "span id",
        ),
        bad(
            "a span id of zeros costs its span alone",
            |id, span| span.span_id = vec![u8::from(id != 2); 8],
            "span id",
        ),
        bad(
            "a parent's id of 9 bytes costs its span alone",
            |id, span| span.parent_span_id = vec![1; if id == 2 { 9 } else { 8 }],
            "parent",
        ),
        Rule::new("a parent's id of zeros is a root", |service| {
            changed_spans(service, 1, |_, span| span.parent_span_id = vec![0; 8])
        }),
        Rule::new(
            "a request of bad records only is still a partial success",
            |service| changed_spans(service, 3, |_, span| span.trace_id.clear()),
        )
        .rows(0)
        .rejects(3, "3"),
        Rule::new(
            "a log record keeps its place without an id of the wrong length",
            |service| log(service, |record| record.trace_id = vec![1; 5]),
        )
        .warns("trace id"),
        Rule::new("a log record may have no ids, or zeros", |service| {
            log(service, |record| record.trace_id = vec![0; 16])
        }),
    ]
}

fn parts() -> Vec<Rule> {
    vec![
        Rule::new(
            "a time that nanoseconds can't count costs its record alone",
            |service| {
                changed_spans(service, 2, |id, span| {
                    if id == 2 {
                        span.start_time_unix_nano = u64::MAX;
                    }
                })
            },
        )
        .rejects(1, "2262"),
        Rule::new("a span without an end is taken", |service| {
            changed_spans(service, 1, |_, span| span.end_time_unix_nano = 0)
        }),
        Rule::new("a span that ends before it starts is taken", |service| {
            changed_spans(service, 1, |_, span| {
                span.end_time_unix_nano = span.start_time_unix_nano - 1_000;
            })
        }),
        Rule::new("an unknown kind of span is kept", |service| {
            changed_spans(service, 1, |_, span| span.kind = 77)
        }),
        Rule::new(
            "a number point without a value costs itself alone",
            |service| gauge(service, |point| point.value = None),
        )
        .rows(0)
        .rejects(1, "no value"),
        Rule::new(
            "a point flagged as without a recorded value is taken",
            |service| {
                gauge(service, |point| {
                    point.value = None;
                    point.flags = 1;
                })
            },
        ),
        Rule::new(
            "a histogram with one count more than bounds is taken",
            |service| histogram(service, &[1.0, 5.0], &[4, 2, 1]),
        ),
        Rule::new(
            "a histogram whose counts do not fit its bounds costs itself alone",
            |service| histogram(service, &[1.0, 5.0], &[4, 2]),
        )
        .rows(0)
        .rejects(1, "bounds"),
        Rule::new("a log record without a body is taken", |service| {
            log(service, |record| record.body = None)
        }),
        Rule::new(
            "a log record without a time takes the observed one, or the receipt's",
            |service| log(service, |record| record.time_unix_nano = 0),
        ),
    ]
}

fn values() -> Vec<Rule> {
    let value = |name, value: fn() -> Option<Value>| {
        Rule::new(name, move |service| with(service, "key", value()))
    };
    let nested = |depth: usize| (0..depth).fold(text("deep"), |value, _| list(vec![value]));
    vec![
        value("an attribute without a value is kept", || None),
        value("an empty list is kept", || Some(list(Vec::new()))),
        value("an empty map is kept", || Some(map(Vec::new()))),
        value("bytes are kept", || {
            Some(Value::BytesValue(vec![0, 255, 7]))
        }),
        value("the largest integers are kept", || {
            Some(Value::IntValue(i64::MIN))
        }),
        value("any Unicode is kept", || {
            Some(text("\u{0}ключ \u{1f980} \u{202e}"))
        }),
        Rule::new("an empty key is kept", |service| {
            with(service, "", Some(text("value")))
        }),
        Rule::new("of a repeated key the last value is kept", |service| {
            changed_spans(service, 1, |_, span| {
                span.attributes = ["first", "last"]
                    .map(|value| attribute("key", text(value)))
                    .into();
            })
        }),
        Rule::new("values nested 40 deep are kept", move |service| {
            with(service, "key", Some(nested(40)))
        }),
        Rule::by_call(
            "values nested 100 deep are no message",
            BINARY,
            move |way, service| Call::new(way, &with(service, "key", Some(nested(100)))),
        )
        .refused(Class::Undecodable, "nest"),
        Rule::by_call(
            "values nested 100 deep cost their record",
            &[Way::Json],
            move |way, service| Call::new(way, &with(service, "key", Some(nested(100)))),
        )
        .rows(0)
        .rejects(1, "nested"),
        Rule::new(
            "attributes beyond 1,024 are left out, and that is said",
            |service| {
                changed_spans(service, 1, |_, span| {
                    span.attributes = (0..1_030)
                        .map(|number| attribute(&format!("key.{number}"), Value::BoolValue(true)))
                        .collect();
                })
            },
        )
        .warns("1024"),
        Rule::new("a text beyond 256 KiB is cut and marked", |service| {
            with(service, "long", Some(text("x".repeat(300_000))))
        }),
    ]
}
