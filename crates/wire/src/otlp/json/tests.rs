//! Requests in JSON as encoders write them and as they should not: what is read, what is refused
//! alone, what is told.

use crawlspace_model::{ErrorKind, Signal, Table, UnixNanos};

use crate::otlp::tests::readback::{attributes, cell};
use crate::otlp::{ContentType, decode};
use crate::{Decoded, Error};

fn decode_json(signal: Signal, body: &str) -> Result<Decoded, Error> {
    decode(signal, ContentType::Json, body.as_bytes(), UnixNanos(9))
}

/// A log record with this member in the middle of two others, all in one scope.
fn with_log(member: &str) -> Decoded {
    let body = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"severityNumber":1}},{{{member}}},{{"severityNumber":3}}]}}]}}]}}"#
    );
    decode_json(Signal::Logs, &body).unwrap()
}

/// As [`with_log`], for spans.
fn with_span(member: &str) -> Decoded {
    let ids = r#""traceId":"0102030405060708090a0B0C0D0E0F10","spanId":"0102030405060708""#;
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids}}},{{{ids},{member}}},{{{ids}}}]}}]}}]}}"#
    );
    decode_json(Signal::Traces, &body).unwrap()
}

/// As [`with_log`], for the points of gauges.
fn with_point(member: &str) -> Decoded {
    let body = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{{"asInt":1}},{{{member}}},{{"asInt":3}}]}}}}]}}]}}]}}"#
    );
    decode_json(Signal::Metrics, &body).unwrap()
}

#[test]
fn values_are_read_as_encoders_write_them() {
    for (value, expected) in [
        (r#"{"stringValue":""}"#, "\"\""),
        (r#"{"stringValue":"a\u00e9\n"}"#, "\"aé\\n\""),
        (r#"{"boolValue":false}"#, "false"),
        (r#"{"intValue":"9007199254740993"}"#, "9007199254740993"),
        (r#"{"intValue":9007199254740993}"#, "9007199254740993"),
        (
            r#"{"intValue":-9223372036854775808}"#,
            "-9223372036854775808",
        ),
        (r#"{"intValue":5.0}"#, "5"),
        (r#"{"intValue":"1e3"}"#, "1000"),
        (r#"{"doubleValue":1}"#, "1.0"),
        (r#"{"doubleValue":"2.5"}"#, "2.5"),
        (r#"{"doubleValue":-0.0}"#, "-0.0"),
        (r#"{"doubleValue":"NaN"}"#, r#"{"$double":"NaN"}"#),
        (r#"{"doubleValue":"Infinity"}"#, r#"{"$double":"Infinity"}"#),
        (
            r#"{"doubleValue":"-Infinity"}"#,
            r#"{"$double":"-Infinity"}"#,
        ),
        (r#"{"bytesValue":"aGk="}"#, r#"{"$bytes":"aGk="}"#),
        (r#"{"bytesValue":"aGk"}"#, r#"{"$bytes":"aGk="}"#),
        (r#"{"bytesValue":"_-8="}"#, r#"{"$bytes":"/+8="}"#),
        (r#"{"arrayValue":{}}"#, "[]"),
        (r#"{"arrayValue":{"values":[]}}"#, "[]"),
        (r#"{"arrayValue":{"values":null}}"#, "[]"),
        (
            r#"{"arrayValue":{"values":[{"intValue":1},{},null]}}"#,
            "[1,null,null]",
        ),
        (r#"{"kvlistValue":{}}"#, "{}"),
        (
            r#"{"kvlistValue":{"values":[{"key":"b","value":{"arrayValue":{}}},{"key":"a"}]}}"#,
            r#"{"b":[],"a":null}"#,
        ),
        ("{}", "null"),
        ("null", "null"),
        (r#"{"futureValue":{"x":[1,{}]}}"#, "null"),
        (r#"{"stringValue":null,"intValue":"7"}"#, "7"),
    ] {
        let decoded = with_log(&format!(
            r#""attributes":[{{"key":"k","value":{value}}}],"body":{value}"#
        ));
        assert_eq!((decoded.accepted, decoded.rejected), (3, 0), "{value}");
        assert_eq!(decoded.messages, [""; 0], "{value}");
        let batch = &decoded.batches[0].1;
        let row = attributes(Table::Logs, batch, 1);
        assert_eq!(row.record["k"], expected, "{value}");
    }
}

#[test]
fn members_are_read_as_encoders_write_them() {
    for (member, column, expected) in [
        (
            r#""timeUnixNano":"1700000000123456789""#,
            "time",
            "1700000000123456789",
        ),
        (
            r#""timeUnixNano":1700000000123456789"#,
            "time",
            "1700000000123456789",
        ),
        (r#""severityNumber":"17""#, "severity_number", "17"),
        (
            r#""traceId":"0102030405060708090A0b0c0d0e0f10""#,
            "trace_id",
            r#"{"$bytes":"AQIDBAUGBwgJCgsMDQ4PEA=="}"#,
        ),
        (
            r#""attributes":null,"eventName":"e""#,
            "event.name",
            "\"e\"",
        ),
        (
            r#""unknown":{"traceId":[[]]},"severityText":"x""#,
            "severity_text",
            "\"x\"",
        ),
        (
            r#""body":{"stringValue":"half \ud83d"}"#,
            "body",
            "\"half \u{fffd}\"",
        ),
    ] {
        let decoded = with_log(member);
        assert_eq!((decoded.accepted, decoded.rejected), (3, 0), "{member}");
        let value = cell(&decoded.batches[0].1, column, 1);
        assert_eq!(value.as_deref(), Some(expected), "{member}");
    }
}

#[test]
fn numbers_of_points_are_read_as_encoders_write_them() {
    for (member, value, value_int) in [
        (
            r#""asInt":"9007199254740993""#,
            "9007199254740992.0",
            Some("9007199254740993"),
        ),
        (r#""asInt":-5"#, "-5.0", Some("-5")),
        (r#""asDouble":0.1"#, "0.1", None),
        (r#""asDouble":"NaN""#, r#"{"$double":"NaN"}"#, None),
        (
            r#""asDouble":"Infinity""#,
            r#"{"$double":"Infinity"}"#,
            None,
        ),
    ] {
        let decoded = with_point(member);
        assert_eq!((decoded.accepted, decoded.rejected), (3, 0), "{member}");
        let batch = &decoded.batches[0].1;
        assert_eq!(cell(batch, "value", 1).as_deref(), Some(value), "{member}");
        assert_eq!(
            cell(batch, "value_int", 1).as_deref(),
            value_int,
            "{member}"
        );
    }
}

/// The middle one of three records is refused, for this reason.
fn check_refused(decoded: &Decoded, reason: &str) {
    let bad = "records refused because their JSON has what OTLP does not have in that place";
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1), "{reason}");
    assert_eq!(
        decoded.messages,
        [format!("{bad}: 1, for example {reason}")]
    );
}

#[test]
fn a_bad_span_is_refused_alone() {
    for (decoded, reason) in [
        (
            with_span(r#""kind":"SPAN_KIND_SERVER""#),
            "`kind` is the text `SPAN_KIND_SERVER`, not an integer of 32 bits",
        ),
        (
            with_span(r#""kind":2.5"#),
            "`kind` is `2.5`, not an integer of 32 bits",
        ),
        (
            with_span(r#""traceId":"W47/95gDgQPSacwFyhjFew==""#),
            "`traceId` is the text `W47/95gDgQPSacwFyhjFew==`, not an id in hex digits",
        ),
        (
            with_span(r#""spanId":"012""#),
            "`spanId` is the text `012`, not an id in hex digits",
        ),
        (
            with_span(r#""startTimeUnixNano":-1"#),
            "`startTimeUnixNano` is `-1`, not an integer of 64 bits from 0",
        ),
        (
            with_span(r#""startTimeUnixNano":18446744073709551616"#),
            "`startTimeUnixNano` is `18446744073709551616`, not an integer of 64 bits from 0",
        ),
        (with_span(r#""name":5"#), "`name` is `5`, not a text"),
        (
            with_span(r#""attributes":{"k":"v"}"#),
            "`attributes` is an object, not a list",
        ),
        (
            with_span(r#""events":[{"attributes":[{"key":true}]}]"#),
            "`key` is true, not a text",
        ),
        (
            with_span(r#""status":"error""#),
            "`status` is the text `error`, not an object",
        ),
    ] {
        check_refused(&decoded, reason);
    }
}

#[test]
fn a_bad_log_record_or_point_is_refused_alone() {
    for (decoded, reason) in [
        (
            with_log(r#""body":"a text""#),
            "`body` is the text `a text`, not an object",
        ),
        (
            with_log(r#""attributes":[{"key":"k","value":{"boolValue":"true"}}]"#),
            "`boolValue` is the text `true`, not true or false",
        ),
        (
            with_log(r#""attributes":[{"key":"k","value":{"bytesValue":"a"}}]"#),
            "`bytesValue` is the text `a`, not base64",
        ),
        (
            with_log(r#""attributes":[{"key":"k","value":{"doubleValue":1e999}}]"#),
            "`doubleValue` is `1e999`, not a number",
        ),
        (
            with_log(r#""attributes":[{"key":"k","value":{"doubleValue":"nan"}}]"#),
            "`doubleValue` is the text `nan`, not a number",
        ),
        (
            with_point(r#""asInt":"many""#),
            "`asInt` is the text `many`, not an integer of 64 bits",
        ),
        (
            with_point(r#""asInt":1,"exemplars":[{"traceId":"x"}]"#),
            "`traceId` is the text `x`, not an id in hex digits",
        ),
    ] {
        check_refused(&decoded, reason);
    }
    // What is wrong in protobuf, too, has its own reason.
    let decoded = with_span(r#""spanId":"0102""#);
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
    assert!(decoded.messages[0].starts_with("spans refused because their span id is not 8 bytes"));
    let decoded = with_point(r#""flags":0"#);
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
    assert!(decoded.messages[0].starts_with("data points refused because they have no value"));
}

#[test]
fn what_is_wrong_around_records_costs_those_in_it() {
    let log = r#"{"severityNumber":1}"#;
    let scope = |scope: &str| format!(r#"{{"scope":{scope},"logRecords":[{log},{log}]}}"#);
    for (resources, accepted, rejected) in [
        (
            format!(
                r#"[{{"scopeLogs":[{},{}]}}]"#,
                scope("null"),
                scope(r#"{"name":5}"#)
            ),
            2,
            2,
        ),
        (format!(r#"[{{"scopeLogs":[{},7]}}]"#, scope("{}")), 2, 0),
        (
            format!(
                r#"[{{"scopeLogs":[{}],"resource":[]}},{{"scopeLogs":[{}]}}]"#,
                scope("{}"),
                scope("{}")
            ),
            2,
            2,
        ),
        (
            format!(r#"["x",null,{{"scopeLogs":[{}]}}]"#, scope("{}")),
            2,
            0,
        ),
        (
            r#"[{"scopeLogs":[{"logRecords":[7,null,{"body":5},{}]}]}]"#.to_owned(),
            2,
            2,
        ),
    ] {
        let decoded = decode_json(Signal::Logs, &format!(r#"{{"resourceLogs":{resources}}}"#));
        let decoded = decoded.unwrap();
        assert_eq!(
            (decoded.accepted, decoded.rejected),
            (accepted, rejected),
            "{resources}"
        );
        assert_eq!(
            decoded.messages.is_empty(),
            resources.contains("nothing"),
            "{resources}"
        );
    }
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":5,"gauge":{"dataPoints":[{"asInt":1},{"asInt":2}]}},
        {"name":"m","sum":{"dataPoints":[{"asInt":1}],"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA"}},
        {"name":"m","gauge":{"dataPoints":[{"asInt":1}]}}]}]}]}"#;
    let decoded = decode_json(Signal::Metrics, metrics).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (1, 3));
}

#[test]
fn a_log_record_is_stored_without_an_id_that_is_no_hex() {
    let decoded = with_log(r#""traceId":"not hex","spanId":"0102030405060708""#);
    assert_eq!((decoded.accepted, decoded.rejected), (3, 0));
    assert_eq!(cell(&decoded.batches[0].1, "trace_id", 1), None);
    assert!(cell(&decoded.batches[0].1, "span_id", 1).is_some());
    let message = "log records stored without an id that is no hex: 1, for example `traceId` is the text `not hex`";
    assert_eq!(decoded.messages, [message]);
}

#[test]
fn keys_in_snake_case_are_told() {
    let decoded = with_log(r#""severity_text":"x","time_unix_nano":"5","my_own":1"#);
    assert_eq!((decoded.accepted, decoded.rejected), (3, 0));
    assert_eq!(cell(&decoded.batches[0].1, "severity_text", 1), None);
    let message = "keys in snake_case ignored, as OTLP/JSON has them in lowerCamelCase: 2, for example `severity_text`";
    assert_eq!(decoded.messages, [message]);
    let decoded = decode_json(Signal::Traces, r#"{"resource_spans":[{}]}"#).unwrap();
    assert_eq!(decoded.accepted, 0);
    assert_eq!(decoded.messages.len(), 1);
}

#[test]
fn nesting_beyond_the_limit_costs_one_record() {
    let lists = |depth: usize| {
        let open = r#"{"arrayValue":{"values":["#.repeat(depth);
        format!(r#""body":{open}{{"intValue":1}}{}"#, "]}}".repeat(depth))
    };
    // The body of a log record has one message less around it than an attribute.
    for (depth, accepted) in [(1, 3), (48, 3), (49, 2), (100_000, 2)] {
        let decoded = with_log(&lists(depth));
        assert_eq!(
            (decoded.accepted, decoded.rejected),
            (accepted, 3 - accepted),
            "{depth}"
        );
        let told = decoded
            .messages
            .iter()
            .any(|message| message.contains("nested deeper"));
        assert_eq!(told, accepted == 2, "{depth}");
    }
    let unknown = format!(
        r#""unknown":{}{}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(with_log(&unknown).accepted, 3);
}

#[test]
fn bytes_that_are_no_utf8_are_replaced_and_told() {
    let mut body =
        br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"?"}]}]}]}"#.to_vec();
    let at = body.iter().position(|byte| *byte == b'?').unwrap();
    body[at] = 0xff;
    let decoded = decode(Signal::Logs, ContentType::Json, &body, UnixNanos(9)).unwrap();
    let text = cell(&decoded.batches[0].1, "severity_text", 0);
    assert_eq!(text.as_deref(), Some("\"\u{fffd}\""));
    assert_eq!(decoded.messages.len(), 1);
}

#[test]
fn what_is_no_request_is_bad_input() {
    for (body, reason) in [
        ("", "the body is not JSON: a value belongs at byte 0"),
        ("[]", "the body is not JSON: an object belongs at byte 1"),
        ("{", "the body is not JSON: `,` or `}` belongs at byte 1"),
        (
            r#"{"resourceLogs":[]} x"#,
            "the body is not JSON: the end belongs at byte 20",
        ),
        (
            r#"{"resourceLogs":[{]}"#,
            "the body is not JSON: a key in quotes belongs at byte 18",
        ),
        (
            r#"{"resourceLogs":{}}"#,
            "the body is not an OTLP request in JSON: `resourceLogs` is an object, not a list",
        ),
    ] {
        let error = decode_json(Signal::Logs, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput);
        assert_eq!(error.to_string(), reason);
    }
    assert_eq!(decode_json(Signal::Logs, "{}").unwrap().batches, []);
    assert_eq!(
        decode_json(Signal::Logs, r#"{"resourceLogs":null}"#)
            .unwrap()
            .batches,
        []
    );
}
