//! Log requests: one with everything as a snapshot, and what is refused or left out.

use crawlspace_model::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::readback::{cell, render};
use super::{RECEIVED_AT, START, any, attribute, decode_body, lists, text};
use crate::Decoded;

fn request(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = ScopeLogs {
        scope: Some(InstrumentationScope {
            name: "logger".into(),
            ..InstrumentationScope::default()
        }),
        log_records: records,
        schema_url: "https://opentelemetry.io/schemas/1.44.0".into(),
    };
    let resource_logs = ResourceLogs {
        resource: Some(Resource {
            attributes: vec![text("service.name", "shop")],
            ..Resource::default()
        }),
        scope_logs: vec![scope_logs],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![resource_logs],
    }
}

fn decode(records: Vec<LogRecord>) -> Decoded {
    decode_body(Signal::Logs, &request(records).encode_to_vec()).unwrap()
}

fn log(number: u8) -> LogRecord {
    LogRecord {
        time_unix_nano: START,
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        ..LogRecord::default()
    }
}

fn full_request() -> ExportLogsServiceRequest {
    let full = LogRecord {
        observed_time_unix_nano: START + 7,
        severity_number: 17,
        severity_text: "ERROR".into(),
        body: Some(any(Any::StringValue("payment failed".into()))),
        attributes: vec![
            text("event.name", "an attribute"),
            attribute("http.response.status_code", Any::IntValue(503)),
            text("body", "not the body"),
        ],
        dropped_attributes_count: 3,
        flags: 1,
        event_name: "payment.failed".into(),
        ..log(1)
    };
    let map = KeyValueList {
        values: vec![attribute("ms", Any::DoubleValue(1.5)), text("$k", "v")],
    };
    let web_vital = LogRecord {
        time_unix_nano: 0,
        observed_time_unix_nano: START + 9,
        severity_number: 40,
        body: Some(any(Any::KvlistValue(map))),
        trace_id: vec![0; 16],
        span_id: vec![],
        attributes: vec![text("browser.web_vital.name", "lcp")],
        event_name: "browser.web_vital".into(),
        ..LogRecord::default()
    };
    request(vec![full, web_vital, LogRecord::default()])
}

#[test]
fn a_log_request_with_everything() {
    let decoded = decode_body(Signal::Logs, &full_request().encode_to_vec()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (3, 0));
    insta::assert_snapshot!(render(&decoded));
}

#[test]
fn a_log_record_without_a_time_has_the_one_it_was_seen_or_received_at() {
    for (time, observed, expected) in [
        (START, START + 1, START),
        (0, START + 1, START + 1),
        (0, 0, RECEIVED_AT.0.cast_unsigned()),
    ] {
        let decoded = decode(vec![LogRecord {
            time_unix_nano: time,
            observed_time_unix_nano: observed,
            ..LogRecord::default()
        }]);
        let expected = expected.to_string();
        let batch = &decoded.batches[0].1;
        assert_eq!(cell(batch, "time", 0), Some(expected));
        let told = cell(batch, "otlp", 0).is_some_and(|text| text.contains("time_unix_nano"));
        assert_eq!(told, time == 0);
    }
}

#[test]
fn a_body_that_is_no_text_is_json_and_told_apart() {
    for (body, stored, told) in [
        (None, None, false),
        (Some(Any::StringValue(String::new())), Some("\"\""), false),
        (Some(Any::StringValue("5".into())), Some("\"5\""), false),
        (Some(Any::IntValue(5)), Some("\"5\""), true),
        (
            Some(Any::BytesValue(vec![1])),
            Some(r#""{\"$bytes\":\"AQ==\"}""#),
            true,
        ),
    ] {
        let decoded = decode(vec![LogRecord {
            body: body.map(any),
            ..log(1)
        }]);
        let batch = &decoded.batches[0].1;
        assert_eq!(cell(batch, "body", 0).as_deref(), stored);
        let otlp = cell(batch, "otlp", 0).unwrap();
        assert_eq!(otlp.contains(r#"\"body\":\"json\""#), told, "{stored:?}");
    }
}

#[test]
fn a_log_record_is_stored_without_a_bad_id() {
    for (trace_id, span_id, stored, message) in [
        (vec![1; 16], vec![1; 8], (true, true), None),
        (vec![0; 16], vec![0; 8], (false, false), None),
        (vec![0; 3], vec![], (false, false), None),
        (
            vec![1; 15],
            vec![1; 8],
            (false, true),
            Some(
                "log records stored without their trace id, which is not 16 bytes: 1, for example `010101010101010101010101010101` (15 bytes)",
            ),
        ),
        (
            vec![1; 16],
            vec![1; 16],
            (true, false),
            Some(
                "log records stored without their span id, which is not 8 bytes: 1, for example `01010101010101010101010101010101` (16 bytes)",
            ),
        ),
    ] {
        let decoded = decode(vec![LogRecord {
            trace_id,
            span_id,
            ..log(1)
        }]);
        assert_eq!((decoded.accepted, decoded.rejected), (1, 0));
        let batch = &decoded.batches[0].1;
        let has = |column| cell(batch, column, 0).is_some();
        assert_eq!((has("trace_id"), has("span_id")), stored);
        assert_eq!(decoded.messages, Vec::from_iter(message));
    }
}

#[test]
fn a_log_record_with_a_time_beyond_the_column_is_refused_alone() {
    let late = i64::MAX.unsigned_abs() + 1;
    for change in [
        |log: &mut LogRecord, late| log.time_unix_nano = late,
        |log: &mut LogRecord, late| log.observed_time_unix_nano = late,
    ] {
        let mut bad = log(2);
        change(&mut bad, late);
        let decoded = decode(vec![log(1), bad, log(3)]);
        assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
        let message = "log records refused because a time is after the year 2262: 1, for example one with time 9223372036854775808";
        assert_eq!(decoded.messages, [message]);
    }
}

#[test]
fn lists_as_deep_as_protobuf_goes_are_stored() {
    let deep = LogRecord {
        body: lists(46).value,
        attributes: vec![lists(46)],
        ..log(1)
    };
    assert_eq!(decode(vec![deep]).accepted, 1);
}
