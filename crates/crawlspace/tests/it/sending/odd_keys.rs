//! Keys and values that could break a table: each is found again, at once and in a part, by us and
//! by `DuckDB`.

use std::path::Path;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use serde_json::{Value, json};

use crate::answers::is_same;
use crate::bucket::Bucket;
use crate::duck::Duck;
use crate::otlp::{attribute, list, map, request, span, text};
use crate::server::{Server, new_data_directory, poll};

/// From a span's acknowledgement until its new key answers.
const QUERYABLE_WITHIN: Duration = Duration::from_secs(1);

#[test]
fn odd_keys_and_values_are_found_again() {
    let (_home, data) = new_data_directory();
    find_again(&data, &[]);
    let mut duck = Duck::attached(&data);
    assert_eq!(duck.rows("SELECT * FROM lake.spans").len(), 2);
    assert_eq!(
        duck.number("SELECT count(*) FROM lake.spans WHERE name = 'odd'"),
        1
    );
}

#[test]
fn odd_keys_and_values_are_found_again_in_a_bucket() {
    let (bucket, (_home, data)) = (Bucket::start(), new_data_directory());
    let flags = bucket.flags("odd");
    find_again(&data, &flags.iter().map(String::as_str).collect::<Vec<_>>());
}

fn find_again(data: &Path, flags: &[&str]) {
    let server = Server::start_with(data, flags);
    server.send(request(
        "odd",
        vec![span(
            1,
            1,
            "a number first",
            vec![attribute("size", Otlp::IntValue(5))],
        )],
    ));
    server.flush();

    server.send(request("odd", vec![span(1, 2, "odd", oddities())]));
    let count = json!({"sql": "SELECT count(*) FROM spans WHERE never.seen.before = 'new'"});
    let is_found = || {
        server
            .ask("/api/v1/sql", &count)
            .is_ok_and(|answer| answer.number() == 1)
    };
    assert!(poll(QUERYABLE_WITHIN, is_found));
    check(&server, "in memory");
    server.flush();
    check(&server, "after the flush");
    server.compact();
    check(&server, "after the compaction");
    server.stop();
    check(&Server::start_with(data, flags), "after the restart");
}

fn long_text() -> String {
    "длинный ".repeat(7_000)
}

fn oddities() -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
    let inner = || {
        map(vec![
            ("a", Otlp::IntValue(1)),
            ("b", list(vec![text("x"), Otlp::BoolValue(true)])),
        ])
    };
    vec![
        attribute("never.seen.before", text("new")),
        attribute("size", text("large")),
        attribute("userId", text("camel")),
        attribute("userid", text("lower")),
        attribute("USERID", text("upper")),
        attribute("name", text("of the attribute")),
        attribute("Name", text("with a capital")),
        attribute("time", Otlp::IntValue(-1)),
        attribute("trace_id", text("none")),
        attribute("overflow", text("too much")),
        attribute("attributes.name", text("prefixed")),
        attribute("", text("empty")),
        attribute("with \"quotes\" and 'more'", text("quoted")),
        attribute("select", text("keyword")),
        attribute("long", text(long_text())),
        attribute("list.of.maps", list(vec![inner(), map(vec![])])),
        attribute(&"k".repeat(300), text("long key")),
    ]
}

fn check(server: &Server, when: &str) {
    let long = long_text();
    let long_key = "k".repeat(300);
    let questions = [
        ("size", json!("large")),
        ("\"userId\"", json!("camel")),
        ("\"userid\"", json!("lower")),
        ("\"USERID\"", json!("upper")),
        ("name", json!("odd")),
        ("attributes.name", json!("of the attribute")),
        ("\"attributes.Name\"", json!("with a capital")),
        ("attributes.time", json!(-1)),
        ("attributes.trace_id", json!("none")),
        ("attributes.overflow", json!("too much")),
        ("attributes.attributes.name", json!("prefixed")),
        ("\"attributes.\"", json!("empty")),
        ("\"with \"\"quotes\"\" and 'more'\"", json!("quoted")),
        ("\"select\"", json!("keyword")),
        ("\"long\"", json!(long)),
        ("list.of.maps", json!(r#"[{"a":1,"b":["x",true]},{}]"#)),
        (long_key.as_str(), json!("long key")),
    ];
    for (name, expected) in &questions {
        let answer = server.sql(&format!(
            "SELECT {name} FROM spans WHERE span_id = '0000000000000002'"
        ));
        assert_eq!(answer.rows, [[expected.clone()]], "{when}: {name}");
    }
    let sizes = server.sql("SELECT size FROM spans ORDER BY span_id");
    assert_eq!(
        sizes.rows,
        [[json!("5")], [json!("large")]],
        "{when}: a key of two types reads as text"
    );
    check_trace(server, when);
}

/// In a trace each attribute stands under its own key.
fn check_trace(server: &Server, when: &str) {
    let trace = server.trace(&format!("{:032x}", 1));
    let spans = trace["spans"].as_array().unwrap();
    let of = |id: &str| spans.iter().find(|span| span["span_id"] == id).unwrap();
    let (number, odd) = (of("0000000000000001"), of("0000000000000002"));
    assert!(
        is_same(&number["attributes"]["size"], &json!(5)),
        "{when}: {number}"
    );
    assert_eq!(odd["name"], "odd");
    let found = odd["attributes"].as_object().unwrap();
    assert_eq!(found.len(), oddities().len(), "{when}: {:?}", found.keys());
    let same = |key: &str, expected: Value| assert_eq!(found[key], expected, "{when}: {key}");
    same("list.of.maps", json!([{"a": 1, "b": ["x", true]}, {}]));
    same("long", json!(long_text()));
    same("size", json!("large"));
    same("userId", json!("camel"));
    same("userid", json!("lower"));
}
