use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::super::input::Found;
use super::{Batch, Signal, read};

fn traces(spans: usize) -> Vec<u8> {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "x".repeat(200),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![span; spans],
        ..ScopeSpans::default()
    }];
    let resource = ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    };
    let resource_spans = vec![resource.clone(), resource];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn logs() -> Vec<u8> {
    let log_records = vec![LogRecord {
        time_unix_nano: 5,
        severity_number: 9,
        ..LogRecord::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs: vec![ScopeLogs {
            log_records,
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn metrics() -> Vec<u8> {
    let sum = Sum {
        data_points: vec![NumberDataPoint::default(); 3],
        ..Sum::default()
    };
    let metrics = vec![Metric {
        // As long as a trace id.
        name: "requests.counted".to_owned(),
        unit: "requests".to_owned(),
        data: Some(Data::Sum(sum)),
        ..Metric::default()
    }];
    let resource_metrics = vec![ResourceMetrics {
        scope_metrics: vec![ScopeMetrics {
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

fn fixed(messages: &[Vec<u8>]) -> Vec<u8> {
    let framed = messages.iter().flat_map(|message| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [length.to_vec(), message.clone()].concat()
    });
    framed.collect()
}

fn variable(messages: &[Vec<u8>]) -> Vec<u8> {
    messages
        .iter()
        .flat_map(|message| message_with_length(message))
        .collect()
}

fn message_with_length(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    super::write_varint(message.len() as u64, &mut framed);
    framed.extend_from_slice(message);
    framed
}

fn found_in(mut bytes: &[u8], signal: Option<Signal>) -> (Vec<Batch>, Vec<String>) {
    let (mut batches, mut wrong) = (Vec::new(), Vec::new());
    let mut give = |found| {
        match found {
            Found::Batch(batch) => batches.push(batch),
            Found::Unreadable { place, why } => wrong.push(format!("{place}: {why}")),
        }
        true
    };
    assert!(read(&mut bytes, "f", signal, &mut give).unwrap());
    (batches, wrong)
}

#[test]
fn the_framing_and_the_signal_are_found_out() {
    for (bytes, signal, records) in [
        (traces(3), Signal::Traces, 6),
        (fixed(&[traces(1), traces(2)]), Signal::Traces, 6),
        (
            variable(&[traces(1), traces(2), Vec::new()]),
            Signal::Traces,
            6,
        ),
        (logs(), Signal::Logs, 1),
        (fixed(&[logs(), logs()]), Signal::Logs, 2),
        (variable(&[metrics(), metrics()]), Signal::Metrics, 6),
        (metrics(), Signal::Metrics, 3),
    ] {
        let (batches, wrong) = found_in(&bytes, None);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(batches.len(), 1);
        assert_eq!((batches[0].signal, batches[0].records), (signal, records));
    }
}

#[test]
fn batches_hold_the_same_spans_as_the_file() {
    let messages: Vec<Vec<u8>> = (0..40).map(|_| traces(100)).collect();
    for bytes in [messages.concat(), fixed(&messages), variable(&messages)] {
        let (batches, _) = found_in(&bytes, None);
        assert!(batches.len() > 1);
        let spans = batches.iter().map(|batch| {
            let request = ExportTraceServiceRequest::decode(batch.body.as_slice()).unwrap();
            let scopes = request
                .resource_spans
                .iter()
                .flat_map(|resource| &resource.scope_spans);
            let spans = scopes.map(|scope| scope.spans.len() as u64).sum::<u64>();
            assert_eq!(spans, batch.records);
            spans
        });
        assert_eq!(spans.sum::<u64>(), 8_000);
    }
}

#[test]
fn a_cut_or_wrong_message_is_told_and_what_came_before_it_is_kept() {
    let mut bytes = fixed(&[traces(1), traces(1)]);
    bytes.truncate(bytes.len() - 3);
    let (batches, wrong) = found_in(&bytes, None);
    assert_eq!(batches[0].records, 2);
    assert!(wrong[0].starts_with("f, message 2: "), "{wrong:?}");

    let garbage = fixed(&[vec![0xff; 40], traces(1)]);
    let (batches, wrong) = found_in(&garbage, None);
    assert_eq!(batches[0].records, 2);
    assert!(wrong[0].starts_with("f, message 1: "), "{wrong:?}");
}
