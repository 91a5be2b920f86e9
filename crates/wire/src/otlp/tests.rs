//! Trace requests: one with everything as a snapshot, refusals, limits; beside it the other signals,
//! and the properties.

mod equality;
mod generate;
mod logs;
mod metrics;
mod properties;
pub(in crate::otlp) mod readback;

use crawlspace_model::{ErrorKind, Signal, Table, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use super::ContentType;
use crate::batch::TEXT_BYTES_MAX;
use crate::{Decoded, Error, Shortened};

const RECEIVED_AT: UnixNanos = UnixNanos(1_700_000_009_000_000_000);
const START: u64 = 1_700_000_000_123_456_789;

fn decode(request: &ExportTraceServiceRequest) -> Result<Decoded, Error> {
    decode_body(Signal::Traces, &request.encode_to_vec())
}

fn decode_body(signal: Signal, body: &[u8]) -> Result<Decoded, Error> {
    super::decode(signal, ContentType::Protobuf, body, RECEIVED_AT)
}

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(any(value)),
        key_strindex: 0,
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.into()))
}

fn span(number: u8) -> Span {
    Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: format!("span {number}"),
        kind: 2,
        start_time_unix_nano: START,
        end_time_unix_nano: START + 1_500,
        ..Span::default()
    }
}

fn request(resource: Vec<KeyValue>, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: resource,
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans,
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource_spans],
    }
}

fn full_span() -> Span {
    Span {
        trace_state: "rojo=1,ot=th:8;rv:ffffffffffffff".into(),
        parent_span_id: vec![7; 8],
        flags: 0x101,
        attributes: vec![
            text("http.request.method", "GET"),
            attribute("http.response.status_code", Any::IntValue(503)),
            attribute("cache.hit", Any::BoolValue(false)),
            attribute("ratio", Any::DoubleValue(1.0)),
            attribute("payload", Any::BytesValue(vec![1, 2, 255])),
            attribute(
                "tags",
                Any::ArrayValue(ArrayValue {
                    values: vec![any(Any::IntValue(1)), AnyValue::default()],
                }),
            ),
            attribute(
                "nested",
                Any::KvlistValue(KeyValueList {
                    values: vec![text("$k", "v")],
                }),
            ),
            KeyValue {
                key: "empty".into(),
                ..KeyValue::default()
            },
            text("twice", "first"),
            text("name", "not the span's name"),
            text("host.name", "the span's own"),
            text("twice", "last"),
        ],
        dropped_attributes_count: 1,
        events: vec![
            Event {
                time_unix_nano: START + 10,
                name: "exception".into(),
                attributes: vec![text("exception.type", "Io"), text("scope.owner", "event")],
                dropped_attributes_count: 4,
            },
            Event {
                name: "without a time".into(),
                ..Event::default()
            },
        ],
        dropped_events_count: 2,
        links: vec![
            Link {
                trace_id: vec![9; 16],
                span_id: vec![9; 8],
                trace_state: "a=b".into(),
                attributes: vec![attribute("n", Any::IntValue(1))],
                dropped_attributes_count: 5,
                flags: 1,
            },
            Link {
                trace_id: vec![8; 16],
                span_id: vec![8; 8],
                ..Link::default()
            },
        ],
        dropped_links_count: 3,
        status: Some(Status {
            message: "upstream down".into(),
            code: 2,
        }),
        ..span(1)
    }
}

fn full_request() -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![
            text("host.name", "web-1"),
            text("service.name", "shop"),
            attribute("process.pid", Any::IntValue(42)),
            text("owner", "resource"),
        ],
        dropped_attributes_count: 6,
        entity_refs: vec![EntityRef {
            schema_url: String::new(),
            r#type: "host".into(),
            id_keys: vec!["host.name".into()],
            description_keys: vec![],
        }],
    };
    let scope = InstrumentationScope {
        name: "http".into(),
        version: "1.2".into(),
        attributes: vec![text("owner", "scope")],
        dropped_attributes_count: 7,
    };
    let unfinished = Span {
        end_time_unix_nano: 0,
        kind: 9,
        parent_span_id: vec![0; 8],
        ..span(2)
    };
    let backwards = Span {
        end_time_unix_nano: START - 5,
        attributes: vec![attribute("ratio", Any::IntValue(1))],
        ..span(3)
    };
    let rich = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans: vec![full_span(), unfinished],
            schema_url: "https://opentelemetry.io/schemas/1.44.0".into(),
        }],
        schema_url: "https://opentelemetry.io/schemas/1.43.0".into(),
    };
    let bare = ResourceSpans {
        scope_spans: vec![ScopeSpans {
            spans: vec![backwards],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![rich, bare],
    }
}

#[test]
fn a_request_with_everything() {
    let decoded = decode(&full_request()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (3, 0));
    insta::assert_snapshot!(readback::render(&decoded));
}

/// Three spans with an event each, the second of them changed: it is refused for `reason`, or
/// stored.
fn check_refusal(change: impl Fn(&mut Span), reason: Option<&str>) {
    let mut spans = vec![span(1), span(2), span(3)];
    for span in &mut spans {
        span.events = vec![Event {
            name: "e".into(),
            ..Event::default()
        }];
    }
    change(&mut spans[1]);
    let decoded = decode(&request(vec![], spans)).unwrap();
    let stored = if reason.is_some() { 2 } else { 3 };
    assert_eq!(
        (decoded.accepted, decoded.rejected),
        (stored, 3 - stored),
        "{reason:?}"
    );
    assert_eq!(decoded.batches.len(), 2);
    for (table, batch) in &decoded.batches {
        assert_eq!(batch.num_rows() as u64, stored, "{table:?} {reason:?}");
    }
    let messages = reason.map(|reason| format!("spans refused because {reason}"));
    assert_eq!(decoded.messages, Vec::from_iter(messages));
}

#[test]
fn spans_with_bad_ids_are_refused_alone() {
    check_refusal(|_| (), None);
    check_refusal(|span| span.parent_span_id = vec![0; 3], None);
    for (trace_id, shown) in [
        (vec![0; 16], "`00000000000000000000000000000000` (16 bytes)"),
        (vec![], "`` (0 bytes)"),
        (
            vec![1; 99],
            "`0101010101010101010101010101010101010101` (99 bytes)",
        ),
    ] {
        let reason = format!(
            "their trace id is not 16 bytes, or all zero: 1, for example span `span 2` with trace id {shown}"
        );
        check_refusal(|span| span.trace_id = trace_id.clone(), Some(&reason));
    }
    for (span_id, shown) in [
        (vec![0; 8], "`0000000000000000` (8 bytes)"),
        (vec![1; 7], "`01010101010101` (7 bytes)"),
    ] {
        let reason = format!(
            "their span id is not 8 bytes, or all zero: 1, for example span `span 2` with span id {shown}"
        );
        check_refusal(|span| span.span_id = span_id.clone(), Some(&reason));
    }
    let reason = "their parent's id is not 8 bytes: 1, for example span `span 2` with parent `010101` (3 bytes)";
    check_refusal(|span| span.parent_span_id = vec![1; 3], Some(reason));
}

#[test]
fn spans_with_times_beyond_the_column_are_refused_alone() {
    let last = i64::MAX.unsigned_abs();
    let reason =
        "a time is after the year 2262: 1, for example span `span 2` with time 9223372036854775808";
    check_refusal(|span| span.start_time_unix_nano = last, None);
    check_refusal(|span| span.start_time_unix_nano = last + 1, Some(reason));
    check_refusal(|span| span.end_time_unix_nano = last, None);
    check_refusal(|span| span.end_time_unix_nano = last + 1, Some(reason));
    check_refusal(|span| span.events[0].time_unix_nano = last, None);
    check_refusal(
        |span| span.events[0].time_unix_nano = last + 1,
        Some(reason),
    );
}

#[test]
fn refusals_of_one_cause_are_one_message() {
    let bad = || Span {
        span_id: vec![],
        name: "n".repeat(100),
        ..span(1)
    };
    let decoded = decode(&request(vec![], vec![bad(), bad(), bad()])).unwrap();
    let message = format!(
        "spans refused because their span id is not 8 bytes, or all zero: 3, for example span `{}...` with span id `` (0 bytes)",
        "n".repeat(80)
    );
    assert_eq!(
        decoded,
        Decoded {
            batches: vec![],
            accepted: 0,
            rejected: 3,
            messages: vec![message],
            shortened: Shortened::default(),
        }
    );
}

fn lists(depth: usize) -> KeyValue {
    let mut value = Any::IntValue(1);
    for _ in 0..depth {
        value = Any::ArrayValue(ArrayValue {
            values: vec![any(value)],
        });
    }
    attribute("deep", value)
}

#[test]
fn undecodable_bodies_are_bad_input() {
    let body = request(vec![text("k", "valid")], vec![span(1)]).encode_to_vec();
    let at = body
        .windows(5)
        .position(|window| window == b"valid")
        .unwrap();
    let mut not_utf8 = body.clone();
    not_utf8[at] = 0xff;
    let deep = |depth| {
        request(
            vec![],
            vec![Span {
                attributes: vec![lists(depth)],
                ..span(1)
            }],
        )
        .encode_to_vec()
    };
    for (body, reason) in [
        (
            body[..body.len() - 1].to_vec(),
            "a field is longer than its message at byte ",
        ),
        (b"{\"resourceSpans\":[]}".to_vec(), "a field is longer"),
        (not_utf8, "a text is not UTF-8 at byte "),
        (deep(48), "messages are nested deeper than 100 at byte "),
    ] {
        let error = decode_body(Signal::Traces, &body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput);
        let text = error.to_string();
        assert!(
            text.starts_with("the body is not a protobuf `ExportTraceServiceRequest`"),
            "{text}"
        );
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(decode_body(Signal::Traces, &deep(47)).unwrap().accepted, 1);
    assert_eq!(decode_body(Signal::Traces, &[]).unwrap().batches, []);
}

#[test]
fn small_requests_that_become_large_rows_are_too_large() {
    let resource = vec![text("large", &"x".repeat(TEXT_BYTES_MAX))];
    let spans = |count| (0..count).map(|_| span(1)).collect();
    let error = decode(&request(resource.clone(), spans(4_100))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        decode(&request(resource, spans(100))).unwrap().accepted,
        100
    );
}

#[test]
fn attributes_beyond_the_limit_are_left_out_and_told() {
    let attributes = (0..1_030)
        .map(|i| attribute(&format!("k{i}"), Any::IntValue(i)))
        .collect();
    let decoded = decode(&request(
        vec![],
        vec![Span {
            attributes,
            ..span(1)
        }],
    ))
    .unwrap();
    let row = readback::attributes(Table::Spans, &decoded.batches[0].1, 0);
    assert_eq!(row.record.len(), 1_024);
    assert!(row.record.contains_key("k1023"));
    assert_eq!(
        decoded.messages,
        [
            "records with attributes beyond the 1024th, which were left out: 1, for example attribute `k1024`"
        ]
    );
    assert_eq!(decoded.shortened.attribute_lists, 1);
}

#[test]
fn links_that_do_not_fit_are_left_out_and_marked() {
    let link = |size| Link {
        trace_id: vec![1; 16],
        trace_state: "x".repeat(size),
        ..Link::default()
    };
    let links = vec![link(1_000), link(TEXT_BYTES_MAX), link(1_000)];
    let decoded = decode(&request(vec![], vec![Span { links, ..span(1) }])).unwrap();
    let batch = &decoded.batches[0].1;
    let links = readback::cell(batch, "links", 0).unwrap();
    let links: String = serde_json::from_str(&links).unwrap();
    let links: Vec<serde_json::Value> = serde_json::from_str(&links).unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(
        readback::cell(batch, "links.truncated", 0).as_deref(),
        Some("true")
    );
    assert_eq!(decoded.shortened.texts, 1);
}
