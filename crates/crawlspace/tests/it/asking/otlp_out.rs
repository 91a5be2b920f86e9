//! What came in as OTLP goes out as OTLP: every value exact, in the list that it came in, with the
//! events of spans; from memory, from parts, and from both.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use prost::Message as _;
use serde_json::{Value, json};

use crate::otlp::{attribute, encode, list, map, span, text};
use crate::server::{Server, new_data_directory};

/// Beyond what doubles hold.
const LARGE: i64 = (1 << 53) + 1;

#[test]
fn traces_go_out_as_they_came_in() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--flush-age", "1h"]);
    let (first, second) = (sent(1), sent(2));
    server.send(encode(first.clone()));
    check(&server, &first, "in memory");
    server.flush();
    check(&server, &first, "in a part");
    server.send(encode(second.clone()));
    let both = [first, second].concat();
    check(&server, &both, "in a part and in memory");
    server.flush();
    server.compact();
    check(&server, &both, "compacted");
    server.stop();
}

/// A resource with two spans. The key `size` has another type in each, and keys shadow one another.
fn sent(number: u64) -> Vec<ResourceSpans> {
    let size = if number == 1 {
        text("large")
    } else {
        Otlp::IntValue(LARGE)
    };
    let rich = Span {
        trace_state: "ot=th:8".to_owned(),
        parent_span_id: vec![7; 8],
        flags: 0x101,
        events: vec![Event {
            time_unix_nano: 5,
            name: "exception".to_owned(),
            attributes: vec![attribute("exception.type", text("Io"))],
            dropped_attributes_count: 4,
        }],
        links: vec![Link {
            trace_id: vec![9; 16],
            span_id: vec![9; 8],
            attributes: vec![attribute("n", Otlp::DoubleValue(0.1))],
            ..Link::default()
        }],
        status: Some(Status {
            message: "upstream down".to_owned(),
            code: 2,
        }),
        ..span(
            1,
            2 * number,
            "rich",
            vec![
                attribute("bytes", Otlp::BytesValue(vec![0, 255])),
                attribute("empty", list(vec![])),
                attribute("host.name", text("the span's own")),
                attribute("http.status_code", Otlp::IntValue(503)),
                attribute(
                    "nested",
                    map(vec![("z", list(vec![text("x")])), ("a", map(vec![]))]),
                ),
                attribute("not a number", Otlp::DoubleValue(f64::INFINITY)),
                attribute("size", size),
            ],
        )
    };
    let attributes = |owner: &str| -> Vec<KeyValue> {
        vec![
            attribute("service.name", text("shop")),
            attribute("host.name", text(format!("{owner}-{number}"))),
        ]
    };
    vec![ResourceSpans {
        resource: Some(Resource {
            attributes: attributes("resource"),
            dropped_attributes_count: 6,
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "http".to_owned(),
                version: "1.2".to_owned(),
                attributes: vec![attribute("host.name", text("scope"))],
                ..InstrumentationScope::default()
            }),
            spans: vec![rich, span(1, 2 * number + 1, "plain", vec![])],
            schema_url: "https://opentelemetry.io/schemas/1.44.0".to_owned(),
        }],
        ..ResourceSpans::default()
    }]
}

fn check(server: &Server, sent: &[ResourceSpans], when: &str) {
    let sent = spans_of(sent);
    let path = format!("/api/v1/traces/{:032x}", 1);
    let protobuf = |request: reqwest::blocking::RequestBuilder| {
        let request = request.header("accept", "application/x-protobuf");
        let answer = request.send().unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
        TracesData::decode(answer.bytes().unwrap()).unwrap()
    };
    let trace = protobuf(server.client().get(format!("{}{path}", server.http())));
    assert_eq!(spans_of(&trace.resource_spans), sent, "trace, {when}");

    let question =
        |condition: &str| json!({"from": "spans", "where": condition, "order_by": ["span_id"]});
    let of_older_name = question("http.response.status_code = 503 OR name = 'plain'");
    let of_relation = question("any.size = 'large'");
    for question in [&of_older_name, &of_relation] {
        let answer = protobuf(server.post("/api/v1/query").json(question));
        assert_eq!(spans_of(&answer.resource_spans), sent, "{question}, {when}");
    }

    // The official structs read our JSON, but for doubles that are no numbers.
    let lines = server
        .post("/api/v1/query?format=otlp")
        .json(&of_older_name)
        .send()
        .unwrap();
    assert_eq!(lines.headers()["content-type"], "application/x-ndjson");
    let document = server.get(&format!("{path}?format=otlp"));
    assert_eq!(document.headers()["content-type"], "application/json");
    for text in [lines.text().unwrap(), document.text().unwrap()] {
        let text = text.replace("\"Infinity\"", "1e308");
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<TracesData>();
        let read: Vec<ResourceSpans> = documents
            .flat_map(|document| document.unwrap().resource_spans)
            .collect();
        let expected: Vec<String> = sent
            .iter()
            .map(|span| span.replace("(inf)", "(1e308)"))
            .collect();
        assert_eq!(spans_of(&read), expected, "JSON, {when}");
    }
}

/// Each span with where it came from, in the order of their ids. Shadowed attributes come last.
fn spans_of(groups: &[ResourceSpans]) -> Vec<String> {
    let mut spans = Vec::new();
    for group in groups {
        for of_scope in &group.scope_spans {
            let mut resource = group.resource.clone().unwrap();
            resource.attributes.sort_by(|a, b| a.key.cmp(&b.key));
            let scope = &of_scope.scope;
            let origin = format!("{resource:?} {scope:?} {}", of_scope.schema_url);
            let of_span = |span: &Span| (span.span_id.clone(), format!("{span:?} {origin}"));
            spans.extend(of_scope.spans.iter().map(of_span));
        }
    }
    spans.sort();
    spans.into_iter().map(|(_, span)| span).collect()
}

#[test]
fn what_is_no_events_is_not_given_as_otlp() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(encode(sent(1)));
    for (path, body) in [
        (
            "/api/v1/query",
            json!({"from": "spans", "calculate": ["count"]}),
        ),
        ("/api/v1/query", json!({"from": "changes"})),
        ("/api/v1/sql", json!({"sql": "SELECT * FROM spans"})),
    ] {
        let path = format!("{path}?format=otlp");
        let answer = server.post(&path).json(&body).send().unwrap();
        assert_eq!(answer.status(), 400, "{path} {body}");
        let problem: Value = answer.json().unwrap();
        assert!(
            problem["detail"].as_str().unwrap().contains("OTLP"),
            "{problem}"
        );
    }
    server.stop();
}
