//! What the official Python SDK sends is found again: by trace id and by SQL, each value as it was,
//! to the nanosecond.

use serde_json::{Map, Value, json};

use crate::answers::is_same;
use crate::duck::python;
use crate::server::{Server, new_data_directory};

#[test]
fn the_python_sdk_finds_every_value_again() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let output = python("sdk_spans.py")
        .arg(server.traces_url())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sent: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent.len(), 14);
    let largest = sent
        .iter()
        .filter(|span| span["attributes"]["int.largest"] == json!(i64::MAX));
    assert_eq!(largest.count(), 2, "the SDK left something out");
    let check = |when: &str| {
        for span in &sent {
            check_trace(&server, span, &sent, when);
            check_row(&server, span, when);
        }
        let count = server.number("SELECT count(*) FROM logs");
        let events: usize = sent
            .iter()
            .map(|span| span["events"].as_array().unwrap().len())
            .sum();
        assert_eq!(count, i64::try_from(events).unwrap(), "{when}");
    };
    check("in memory");
    server.flush();
    check("after the flush");
}

fn check_trace(server: &Server, sent: &Value, all: &[Value], when: &str) {
    let trace = server.trace(sent["trace_id"].as_str().unwrap());
    let spans = trace["spans"].as_array().unwrap();
    let of_trace = |span: &&Value| span["trace_id"] == sent["trace_id"];
    assert_eq!(spans.len(), all.iter().filter(of_trace).count(), "{when}");
    let found = spans
        .iter()
        .find(|span| span["span_id"] == sent["span_id"])
        .unwrap();
    let same = |name: &str, found: &Value, sent: &Value| {
        assert!(
            is_same(found, sent),
            "{when}: {name}: found {found}, sent {sent}"
        );
    };
    for name in FIXED {
        same(name, &found[name], &sent[name]);
    }
    same(
        "service.name",
        &found["service.name"],
        &sent["resource"]["service.name"],
    );
    for origin in ["attributes", "scope", "resource"] {
        let mut sent = sent[origin].clone();
        // Stands beside them, as a column of its own.
        sent.as_object_mut().unwrap().remove("service.name");
        same(origin, &found[origin], &sent);
    }
    let links = found["links"].as_array().unwrap().iter();
    assert_eq!(links.len(), sent["links"].as_array().unwrap().len());
    for (found, sent) in links.zip(sent["links"].as_array().unwrap()) {
        for (part, sent) in sent.as_object().unwrap() {
            same(part, &found[part], sent);
        }
    }
    let (found, sent) = (
        found["events"].as_array().unwrap(),
        sent["events"].as_array().unwrap(),
    );
    assert_eq!(found.len(), sent.len());
    for (found, sent) in found.iter().zip(sent) {
        for part in ["time", "name", "attributes"] {
            same(part, &found[part], &sent[part]);
        }
    }
}

const FIXED: [&str; 9] = [
    "time",
    "duration_ns",
    "parent_span_id",
    "name",
    "kind",
    "status_code",
    "status_message",
    "scope.name",
    "scope.version",
];

/// The one namespace of a span's attributes: the most specific wins, the others keep their origin
/// as a prefix.
fn flat_attributes(span: &Value) -> Value {
    let mut flat = Map::new();
    for origin in ["attributes", "scope", "resource"] {
        for (key, value) in span[origin].as_object().unwrap() {
            if origin == "resource" && key == "service.name" {
                continue;
            }
            let name = if flat.contains_key(key) {
                format!("{origin}.{key}")
            } else {
                key.clone()
            };
            flat.insert(name, value.clone());
        }
    }
    Value::Object(flat)
}

fn check_row(server: &Server, sent: &Value, when: &str) {
    let attributes = flat_attributes(sent);
    let attributes = attributes.as_object().unwrap();
    let keys = attributes.keys().map(String::as_str);
    let names: Vec<String> = FIXED
        .into_iter()
        .chain(keys)
        .map(|name| format!("\"{name}\""))
        .collect();
    let (trace, span) = (
        sent["trace_id"].as_str().unwrap(),
        sent["span_id"].as_str().unwrap(),
    );
    let answer = server.sql(&format!(
        "SELECT {} FROM spans WHERE trace_id = '{trace}' AND span_id = '{span}'",
        names.join(", ")
    ));
    assert_eq!(answer.rows.len(), 1, "{when}");
    let values = FIXED
        .iter()
        .map(|name| &sent[name])
        .chain(attributes.values());
    for ((name, found), sent) in names.iter().zip(&answer.rows[0]).zip(values) {
        // Lists, maps and bytes read as their JSON text.
        let parsed = match (sent, found) {
            (Value::Array(_) | Value::Object(_), Value::String(text)) => {
                serde_json::from_str(text).unwrap()
            }
            _ => found.clone(),
        };
        assert!(
            is_same(&parsed, sent),
            "{when}: {name}: found {found}, sent {sent}"
        );
    }
}
