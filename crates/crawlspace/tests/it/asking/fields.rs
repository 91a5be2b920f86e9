//! Fields: what the list takes from footers and memory, and what one field's detail counts.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use serde_json::{Value, json};

use crate::otlp::{attribute, list, request, span, text};
use crate::server::{Server, new_data_directory};

const SPANS: u64 = 12;

#[test]
fn fields_are_the_same_in_memory_in_parts_and_in_both() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("shop", spans(0..SPANS / 2)));
    server.flush();
    server.send(request("shop", spans(SPANS / 2..SPANS)));
    check(&server, "half of it flushed");
    server.flush();
    check(&server, "all of it flushed");
    server.compact();
    check(&server, "compacted");
    server.stop();
    let server = Server::start(&data);
    check(&server, "restarted");
    let unknown = server.get("/api/v1/fields/routes?last=1h");
    assert_eq!(unknown.status(), 400);
    let problem: Value = unknown.json().unwrap();
    assert_eq!(problem["suggestion"], "route");
    assert_eq!(server.get("/api/v1/fields?of=spans").status(), 400);
    server.stop();
}

/// Every span has a route, every third a size, one a list.
fn spans(numbers: std::ops::Range<u64>) -> Vec<opentelemetry_proto::tonic::trace::v1::Span> {
    numbers
        .map(|number| {
            let mut attributes = vec![attribute(
                "route",
                text(["/a", "/b"][usize::from(number > 3)]),
            )];
            if number % 3 == 0 {
                attributes.push(attribute("size", Otlp::IntValue(number.cast_signed())));
            }
            if number == 1 {
                attributes.push(attribute("items", list(vec![text("x")])));
            }
            span(7, number + 1, "s", attributes)
        })
        .collect()
}

fn check(server: &Server, when: &str) {
    let list: Value = server
        .get("/api/v1/fields?from=spans&last=1h")
        .json()
        .unwrap();
    assert_eq!(list["events"], SPANS, "{when}");
    let field = |name: &str| {
        let fields = list["fields"].as_array().unwrap();
        let found = fields.iter().find(|field| field["name"] == name);
        found.cloned().unwrap_or_default()
    };
    for (name, of, events, exact) in [
        ("time", "timestamp_ns", SPANS, true),
        ("trace_id", "string", SPANS, true),
        ("route", "string", SPANS, true),
        ("size", "int64", SPANS / 3, true),
        ("items", "string", 0, false),
    ] {
        let found = field(name);
        assert_eq!(found["type"], of, "{when}: {name} in {found}");
        assert_eq!(found["events"], events, "{when}: {name}");
        assert_eq!(found["exact"], exact, "{when}: {name}");
        assert_eq!(
            found["share"],
            events as f64 / SPANS as f64,
            "{when}: {name}"
        );
    }
    assert_eq!(field("links"), Value::Null, "{when}: no span has links");
    let named: Value = server.get("/api/v1/fields?q=SIZ").json().unwrap();
    assert_eq!(named["fields"].as_array().unwrap().len(), 1, "{when}");
    let old: Value = server
        .get("/api/v1/fields?end=2020-01-01T00:00:00Z")
        .json()
        .unwrap();
    assert_eq!(
        (&old["events"], &old["fields"]),
        (&json!(0), &json!([])),
        "{when}"
    );

    let route: Value = server.get("/api/v1/fields/route?last=1h").json().unwrap();
    let values = json!([{"value": "/b", "events": 8}, {"value": "/a", "events": 4}]);
    assert_eq!(route["values"], values, "{when}");
    assert_eq!(
        (&route["distinct"], &route["min"]),
        (&json!(2), &json!("/a")),
        "{when}"
    );
    let size: Value = server.get("/api/v1/fields/size?limit=1").json().unwrap();
    assert_eq!(
        (&size["events"], &size["max"]),
        (&json!(SPANS / 3), &json!(9)),
        "{when}"
    );
    assert_eq!(size["values"].as_array().unwrap().len(), 1, "{when}");
    let times = server.sql("SELECT min(time), max(time) FROM spans WHERE size IS NOT NULL");
    assert_eq!(
        vec![size["first_seen"].clone(), size["last_seen"].clone()],
        times.rows[0],
        "{when}"
    );
    let items: Value = server.get("/api/v1/fields/items").json().unwrap();
    assert_eq!(items["events"], 1, "{when}");
}
