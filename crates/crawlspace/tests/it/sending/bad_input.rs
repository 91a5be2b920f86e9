//! What the doors and the questions answer to input that is wrong.

use prost::Message as _;
use serde_json::{Value, json};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use crate::otlp::{plain_spans, request, span};
use crate::server::{PROTOBUF, Server, gzip, new_data_directory};

const BODY_BYTES_MAX: usize = 64 << 20;

/// The body of OTLP's refusals: `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[test]
fn bad_requests_are_refused_as_otlp_says() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let good = request("good", plain_spans(1, 1));
    let cases = [
        (
            "undecodable",
            PROTOBUF,
            None,
            b"\xff no protobuf".to_vec(),
            400,
        ),
        (
            "cut short",
            PROTOBUF,
            None,
            good[..good.len() - 3].to_vec(),
            400,
        ),
        ("no gzip", PROTOBUF, Some("gzip"), good.clone(), 400),
        (
            "too large",
            PROTOBUF,
            None,
            vec![0; BODY_BYTES_MAX + 1],
            413,
        ),
        (
            "a bomb",
            PROTOBUF,
            Some("gzip"),
            gzip(&vec![0; BODY_BYTES_MAX + 1]),
            413,
        ),
        ("another type", "text/plain", None, good.clone(), 415),
        ("another encoding", PROTOBUF, Some("br"), good, 415),
    ];
    for (what, content_type, encoding, body, expected) in cases {
        let mut post = server
            .client()
            .post(server.traces_url())
            .header("content-type", content_type);
        if let Some(encoding) = encoding {
            post = post.header("content-encoding", encoding);
        }
        let response = post.body(body).send().unwrap();
        assert_eq!(response.status().as_u16(), expected, "{what}");
        if content_type == PROTOBUF {
            assert_eq!(response.headers()["content-type"], PROTOBUF, "{what}");
            let status = RpcStatus::decode(response.bytes().unwrap()).unwrap();
            assert!(!status.message.is_empty(), "{what}: no reason");
        }
    }
    assert_eq!(server.number("SELECT count(*) FROM spans"), 0);
}

#[test]
fn a_bad_span_is_refused_alone_with_a_reason() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let mut spans = plain_spans(1, 2);
    spans.push(span(0, 3, "no trace", Vec::new()));
    let response = server.export(request("mixed", spans)).send().unwrap();
    assert_eq!(response.status(), 200);
    let answer = ExportTraceServiceResponse::decode(response.bytes().unwrap()).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("trace"),
        "{}",
        partial.error_message
    );
    assert_eq!(server.number("SELECT count(*) FROM spans"), 2);
}

#[test]
fn an_empty_request_is_taken_on_both_doors() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(Vec::new());
    let main_door = server.post("/v1/traces").header("content-type", PROTOBUF);
    assert_eq!(main_door.body(Vec::new()).send().unwrap().status(), 200);
    assert_eq!(server.number("SELECT count(*) FROM spans"), 0);
}

#[test]
fn questions_that_are_wrong_say_how_to_put_them_right() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let of_service = crate::otlp::attribute("checkout.total", crate::otlp::text("1"));
    server.send(request("good", vec![span(1, 1, "good", vec![of_service])]));
    let range = json!({"last": "1h"});
    let sql = |text: &str| ("/api/v1/sql", json!({ "sql": text }));
    let cases: [((&str, Value), &[&str]); 8] = [
        (
            sql("SELECT durations_ns FROM spans"),
            &["durations_ns", "duration_ns"],
        ),
        (
            sql("SELECT checkout.totl FROM spans"),
            &["checkout.totl", "checkout.total"],
        ),
        (sql("SELECT 1 FROM span"), &["span", "spans"]),
        (
            sql("SELECT name\nFROM spans WHERE ) 1"),
            &["line 2", "column 18"],
        ),
        (sql("DELETE FROM spans"), &["SELECT"]),
        (sql(""), &["SELECT"]),
        (
            (
                "/api/v1/query",
                json!({"from": "spans", "range": range, "calculate": ["p99(duraton_ns)"]}),
            ),
            &["duraton_ns", "duration_ns"],
        ),
        (
            (
                "/api/v1/query",
                json!({"from": "spans", "range": range, "group_by": ["service.nam"],
                "calculate": ["count"]}),
            ),
            &["service.nam", "service.name"],
        ),
    ];
    for ((path, body), expected) in cases {
        let problem = server.ask(path, &body).expect_err(&body.to_string());
        let detail = problem["detail"].as_str().unwrap().to_lowercase();
        for words in expected {
            assert!(detail.contains(&words.to_lowercase()), "{body}: {detail}");
        }
        assert!(problem["title"].is_string(), "{problem}");
    }
}

#[test]
fn a_trace_that_is_not_there_is_not_found() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    for (id, expected) in [("0123456789abcdef0123456789abcdef", 404), ("not-hex", 400)] {
        let response = server.get(&format!("/api/v1/traces/{id}"));
        assert_eq!(response.status().as_u16(), expected, "{id}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{id}"
        );
        let problem: Value = response.json().unwrap();
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(id)),
            "{problem}"
        );
    }
}
