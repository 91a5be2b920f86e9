//! OTLP requests, built from the official messages.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use crawlspace_model::{Clock as _, SystemClock};

pub fn now() -> u64 {
    u64::try_from(SystemClock.now().0).unwrap()
}

pub fn text(value: impl Into<String>) -> Value {
    Value::StringValue(value.into())
}

pub fn list(items: Vec<Value>) -> Value {
    let values = items
        .into_iter()
        .map(|value| AnyValue { value: Some(value) })
        .collect();
    Value::ArrayValue(ArrayValue { values })
}

pub fn map(entries: Vec<(&str, Value)>) -> Value {
    let values = entries
        .into_iter()
        .map(|(key, value)| attribute(key, value))
        .collect();
    Value::KvlistValue(KeyValueList { values })
}

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A span of 1 ms that starts now.
pub fn span(trace: u128, id: u64, name: &str, attributes: Vec<KeyValue>) -> Span {
    let start = now();
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        attributes,
        ..Span::default()
    }
}

pub fn resource_spans(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let attributes = vec![attribute("service.name", text(service))];
    ResourceSpans {
        resource: Some(Resource {
            attributes,
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

pub fn encode(resource_spans: Vec<ResourceSpans>) -> Vec<u8> {
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

pub fn request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    encode(vec![resource_spans(service, spans)])
}

/// `count` spans of one trace without attributes.
pub fn plain_spans(trace: u128, count: u64) -> Vec<Span> {
    (1..=count)
        .map(|id| span(trace, id, "plain", Vec::new()))
        .collect()
}
