//! For any request of any signal: what is said in JSON becomes the same rows, and what is stored
//! goes out as it came in.

use std::fmt::Debug;

use crawlspace_model::{ErrorKind, Signal, Table};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use proptest::prelude::*;
use prost::Message;

use super::generate::{self, Doubles};
use super::{RECEIVED_AT, attribute, decode_body, request, span, text};
use crate::otlp::encode::encode;
use crate::otlp::encode::tree::{ResourceGroup, ScopeGroup};
use crate::otlp::{ContentType, decode};

fn rows(signal: Signal, content_type: ContentType, body: &[u8]) -> String {
    format!(
        "{:?}",
        decode(signal, content_type, body, RECEIVED_AT).unwrap()
    )
}

/// The request as it goes out again.
fn sent_out(signal: Signal, content_type: ContentType, body: &[u8]) -> Vec<u8> {
    let decoded = decode_body(signal, body).unwrap();
    assert_eq!((decoded.rejected, &decoded.messages[..]), (0, &[][..]));
    let table = match signal {
        Signal::Traces => Table::Spans,
        Signal::Logs => Table::Logs,
        Signal::Metrics => Table::Metrics,
    };
    let of_table = |table| {
        let of_table = decoded.batches.iter().filter(|(of, _)| *of == table);
        of_table.map(|(_, batch)| batch.clone()).collect::<Vec<_>>()
    };
    encode(
        signal,
        content_type,
        &of_table(table),
        &of_table(Table::Logs),
    )
}

/// What a request says, but for what goes out in another order or not at all.
fn said<G: ResourceGroup>(
    groups: &[G],
    record: impl Fn(&<G::Scope as ScopeGroup>::Record) -> Vec<String>,
) -> Vec<String> {
    let mut said = Vec::new();
    for group in groups {
        let mut resource = group.resource().cloned().unwrap_or_default();
        tidy(&mut resource.attributes);
        for of_scope in group.scopes() {
            let mut scope = of_scope.scope().cloned().unwrap_or_default();
            tidy(&mut scope.attributes);
            let origin = (&resource, group.schema_url(), scope, of_scope.schema_url());
            let records = of_scope.records().iter().flat_map(&record);
            said.extend(records.map(|record| format!("{origin:?} {record}")));
        }
    }
    said.sort();
    said
}

/// The last value of each key, in the order of the keys.
fn tidy(list: &mut Vec<KeyValue>) {
    list.reverse();
    list.sort_by(|a, b| a.key.cmp(&b.key));
    list.dedup_by(|later, earlier| later.key == earlier.key);
}

fn said_of_span(span: &Span) -> Vec<String> {
    let mut span = span.clone();
    tidy(&mut span.attributes);
    let start = span.start_time_unix_nano;
    span.events.sort_by_key(|event| match event.time_unix_nano {
        0 => start,
        time => time,
    });
    for event in &mut span.events {
        tidy(&mut event.attributes);
    }
    span.status = span.status.filter(|status| *status != Status::default());
    vec![format!("{span:?}")]
}

fn said_of_log(log: &LogRecord) -> Vec<String> {
    let mut log = log.clone();
    tidy(&mut log.attributes);
    log.body = log.body.filter(|body| body.value.is_some());
    vec![format!("{log:?}")]
}

fn said_of_metric(metric: &Metric) -> Vec<String> {
    fn taken<T: Clone + Debug>(
        points: &mut Vec<T>,
        attributes: fn(&mut T) -> &mut Vec<KeyValue>,
    ) -> Vec<String> {
        let said = points.iter_mut().map(|point| {
            tidy(attributes(point));
            format!("{point:?}")
        });
        let said = said.collect();
        points.clear();
        said
    }
    let mut metric = metric.clone();
    let points = match metric.data.as_mut().unwrap() {
        Data::Gauge(data) => taken(&mut data.data_points, |point| &mut point.attributes),
        Data::Sum(data) => taken(&mut data.data_points, |point| &mut point.attributes),
        Data::Histogram(data) => taken(&mut data.data_points, |point| &mut point.attributes),
        Data::ExponentialHistogram(data) => {
            taken(&mut data.data_points, |point| &mut point.attributes)
        }
        Data::Summary(data) => taken(&mut data.data_points, |point| &mut point.attributes),
    };
    let of_metric = |point| format!("{metric:?} {point}");
    points.into_iter().map(of_metric).collect()
}

/// Compares long texts; what is told is where they part.
fn assert_same(left: &str, right: &str, what: &str) {
    let same = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b);
    let from = same.count().saturating_sub(200);
    let part = |text: &str| {
        text.bytes()
            .skip(from)
            .take(400)
            .map(char::from)
            .collect::<String>()
    };
    assert!(left == right, "{what}:\n{}\n{}", part(left), part(right));
}

/// Checks a request that went through the tables, `said` being what it says.
fn check<R: Message + Default>(signal: Signal, request: &R, said: impl Fn(&R) -> Vec<String>) {
    let body = request.encode_to_vec();
    // The log is replayed: the same bytes give the same rows, in the same columns.
    let stored = rows(signal, ContentType::Protobuf, &body);
    assert_same(
        &stored,
        &rows(signal, ContentType::Protobuf, &body),
        "again",
    );

    let out = sent_out(signal, ContentType::Protobuf, &body);
    let out_again = said(&R::decode(&out[..]).unwrap()).join("\n");
    assert_same(&out_again, &said(request).join("\n"), "out and in");
    // What has gone out once goes out the same again.
    assert_eq!(sent_out(signal, ContentType::Protobuf, &out), out);

    let json = sent_out(signal, ContentType::Json, &body);
    let (from_json, from_protobuf) = (
        rows(signal, ContentType::Json, &json),
        rows(signal, ContentType::Protobuf, &out),
    );
    assert_same(&from_json, &from_protobuf, &String::from_utf8_lossy(&json));
    serde_json::from_slice::<serde::de::IgnoredAny>(&json).unwrap();
}

/// Checks that JSON as other code writes it is read as the request itself is.
fn check_json(signal: Signal, request: &(impl Message + serde::Serialize)) {
    let json = serde_json::to_vec(request).unwrap();
    let (from_json, from_protobuf) = (
        rows(signal, ContentType::Json, &json),
        rows(signal, ContentType::Protobuf, &request.encode_to_vec()),
    );
    assert_same(&from_json, &from_protobuf, &String::from_utf8_lossy(&json));
}

#[test]
fn maps_as_deep_as_protobuf_goes_go_out_as_they_came() {
    let mut deepest = text("$k", "v");
    for _ in 0..31 {
        let values = vec![deepest];
        deepest = attribute("$k", Any::KvlistValue(KeyValueList { values }));
    }
    let deep = request(
        vec![],
        vec![Span {
            attributes: vec![deepest],
            ..span(1)
        }],
    );
    check(Signal::Traces, &deep, |request| {
        said(&request.resource_spans, said_of_span)
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn traces_go_out_as_they_came(request in generate::traces(Doubles::All)) {
        check::<ExportTraceServiceRequest>(Signal::Traces, &request, |request| {
            said(&request.resource_spans, said_of_span)
        });
    }

    #[test]
    fn logs_go_out_as_they_came(request in generate::logs(Doubles::All)) {
        check::<ExportLogsServiceRequest>(Signal::Logs, &request, |request| {
            said(&request.resource_logs, said_of_log)
        });
    }

    #[test]
    fn metrics_go_out_as_they_came(request in generate::metrics(Doubles::All)) {
        check::<ExportMetricsServiceRequest>(Signal::Metrics, &request, |request| {
            said(&request.resource_metrics, said_of_metric)
        });
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(
        request in generate::logs(Doubles::All),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let body = request.encode_to_vec();
        for content_type in ContentType::ALL {
            let mut body = sent_out(Signal::Logs, content_type, &body);
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
            if let Err(error) = decode(Signal::Logs, content_type, &body, RECEIVED_AT) {
                prop_assert_eq!(error.kind(), ErrorKind::BadInput);
            }
        }
    }

    #[test]
    fn json_that_other_code_writes_becomes_the_same_rows(
        traces in generate::traces(Doubles::Finite),
        logs in generate::logs(Doubles::Finite),
        metrics in generate::metrics(Doubles::Finite),
    ) {
        check_json(Signal::Traces, &traces);
        check_json(Signal::Logs, &logs);
        check_json(Signal::Metrics, &metrics);
    }
}
