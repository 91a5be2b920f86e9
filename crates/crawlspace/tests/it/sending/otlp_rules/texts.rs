//! Rules about JSON: what encoders write differently, and what is wrong in one record.

use super::Rule;
use super::call::{Call, Class, Way};
use super::requests::Signal;

const JSON: &[Way] = &[Way::Json];
/// Times of the same moment as text and as number.
const TIMES: &str =
    r#""startTimeUnixNano":"1764000000000000000","endTimeUnixNano":1764000000001000000"#;
const IDS: &str = r#""traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708""#;

/// One span with these further members.
fn span(members: &'static str) -> String {
    format!(r#"{{{IDS},{TIMES},"name":"one","kind":2{members}}}"#)
}

fn of_spans(name: &'static str, spans: String) -> Rule {
    Rule::by_call(name, JSON, move |way, service| {
        let resource = resource(service);
        let body =
            format!(r#"{{"resourceSpans":[{{{resource},"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
        Call::raw(way, Signal::Traces, body)
    })
}

fn resource(service: &str) -> String {
    format!(
        r#""resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}}"#
    )
}

fn with_value(name: &'static str, value: &'static str) -> Rule {
    let attribute =
        format!(r#"{{{IDS},{TIMES},"name":"one","attributes":[{{"key":"key","value":{value}}}]}}"#);
    of_spans(name, attribute)
}

fn of_log(name: &'static str, record: &'static str) -> Rule {
    Rule::by_call(name, JSON, move |way, service| {
        let resource = resource(service);
        let body = format!(
            r#"{{"resourceLogs":[{{{resource},"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#
        );
        Call::raw(way, Signal::Logs, body)
    })
}

fn of_point(name: &'static str, value: &'static str) -> Rule {
    Rule::by_call(name, JSON, move |way, service| {
        let resource = resource(service);
        let point = format!(r#"{{"timeUnixNano":"1764000000000000000",{value}}}"#);
        let metric = format!(r#"{{"name":"load","gauge":{{"dataPoints":[{point}]}}}}"#);
        let body = format!(
            r#"{{"resourceMetrics":[{{{resource},"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#
        );
        Call::raw(way, Signal::Metrics, body)
    })
}

pub fn rules() -> Vec<Rule> {
    let good = span("");
    vec![
        with_value(
            "`arrayValue` without `values` is an empty list",
            r#"{"arrayValue":{}}"#,
        ),
        with_value(
            "`kvlistValue` without `values` is an empty map",
            r#"{"kvlistValue":{}}"#,
        ),
        with_value("an empty value object is no value", "{}"),
        with_value("a value of null is no value", "null"),
        with_value(
            "`doubleValue` may be the text NaN",
            r#"{"doubleValue":"NaN"}"#,
        ),
        with_value(
            "`doubleValue` may be the text -Infinity",
            r#"{"doubleValue":"-Infinity"}"#,
        ),
        with_value(
            "`intValue` may be a text",
            r#"{"intValue":"-9223372036854775808"}"#,
        ),
        with_value(
            "`intValue` may be a number",
            r#"{"intValue":9007199254740993}"#,
        ),
        with_value("`bytesValue` is base64", r#"{"bytesValue":"AP8H"}"#),
        of_spans("`attributes` may be null", span(r#","attributes":null"#)),
        of_spans(
            "members that OTLP does not know are ignored",
            span(r#","futureField":{"a":[1]}"#),
        ),
        of_spans(
            "hexadecimal ids may be upper case",
            good.replace("0a0b0c", "0A0B0C"),
        ),
        of_spans(
            "an id that is no hexadecimal costs its span alone",
            format!(
                "{good},{}",
                good.replace("0102030405060708090a", "zz02030405060708090a")
            ),
        )
        .rejects(1, "traceId"),
        of_spans(
            "names of enumerations are refused with their span alone",
            format!(
                "{good},{}",
                good.replace(r#""kind":2"#, r#""kind":"SPAN_KIND_SERVER""#)
            ),
        )
        .rejects(1, "kind"),
        of_spans(
            "keys in snake case are ignored, and that is said",
            span(r#","trace_state":"a=b""#),
        )
        .warns("snake_case"),
        of_spans(
            "a member of the wrong type costs its record alone",
            format!("{good},{}", good.replace(r#""one""#, "7")),
        )
        .rejects(1, "name"),
        of_log(
            "a log's body may be an empty list",
            r#"{"body":{"arrayValue":{}}}"#,
        ),
        of_log("a log record may be empty", "{}"),
        of_log(
            "a log's id that is no hexadecimal is left out",
            r#"{"traceId":"none"}"#,
        )
        .warns("hex"),
        of_point(
            "a point's `asDouble` may be the text Infinity",
            r#""asDouble":"Infinity""#,
        ),
        of_point(
            "a point's `asDouble` may be the text NaN",
            r#""asDouble":"NaN""#,
        ),
        of_point("a point's `asInt` may be a text", r#""asInt":"7""#),
        Rule::by_call("a body that is no JSON is undecodable", JSON, |way, _| {
            Call::raw(way, Signal::Traces, r#"{"resourceSpans":["#)
        })
        .refused(Class::Undecodable, "JSON"),
        Rule::by_call("JSON of another shape is undecodable", JSON, |way, _| {
            Call::raw(way, Signal::Traces, "[1,2]")
        })
        .refused(Class::Undecodable, "object"),
    ]
}
