//! How the program says that it works, and what it bounds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::otlp::{attribute, plain_spans, request, span, text};
use crate::server::{Server, new_data_directory, poll};

#[test]
fn the_self_check_writes_an_event_and_finds_it_once() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    for _ in 0..3 {
        let answer = server.post("/api/v1/selfcheck").send().unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().unwrap();
        assert!(
            answer["stored_ms"].as_f64() > Some(0.0) && answer["found_ms"].as_f64() > Some(0.0)
        );
    }
    let events = "SELECT count(*) FROM logs WHERE event.name = 'crawlspace.selfcheck'";
    assert_eq!(server.number(events), 3);
    assert_eq!(server.ledger()["total"]["stored"]["records"], 3);
    server.stop();
}

#[test]
fn limits_are_told_with_what_happens_beyond_them() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--key-rate", "2KiB", "--memory-size", "300MiB"]);
    let limits: Value = server.get("/api/v1/limits").json().unwrap();
    let limits = limits.as_array().unwrap();
    let names = limits.iter().map(|limit| limit["name"].as_str().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>().len(), limits.len());
    let limit = |name: &str| limits.iter().find(|limit| limit["name"] == name).unwrap();
    assert_eq!(limit("key_rate")["value"], 2_048);
    assert_eq!(limit("memory")["value"], 300 << 20);
    assert_eq!(limit("memory")["setting"], "--memory-size");
    assert_eq!(limit("memory_slow")["value"], 64 << 20);
    let metrics = server.get("/metrics").text().unwrap();
    for metric in limits.iter().filter_map(|limit| limit["metric"].as_str()) {
        let family = metric.split('{').next().unwrap();
        assert!(metrics.contains(&format!("# TYPE {family} ")), "{metric}");
    }
    server.stop();
}

#[test]
fn what_is_kept_in_part_is_counted() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let long = attribute("long", text("x".repeat(300 << 10)));
    let few = span(1, 1, "long", vec![long.clone(), long]);
    let many = (0..2_000).map(|number| attribute(&format!("key.{number}"), text("x")));
    let many = span(1, 2, "many", many.collect());
    let taken = server.export(request("much", vec![few, many])).send();
    assert_eq!(taken.unwrap().status(), 200);
    let metrics = server.get("/metrics").text().unwrap();
    for what in ["text", "attributes"] {
        let line = format!("\ncrawlspace_shortened_total{{what=\"{what}\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    server.stop();
}

#[test]
fn who_sends_more_than_a_key_may_is_told_to_come_again() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--key-rate", "10KiB"]);
    let send = |number| {
        let body = request("much", plain_spans(number, 100));
        server.export(body).send().unwrap()
    };
    let refused = (1..100).map(send).find(|answer| answer.status() != 200);
    let refused = refused.expect("it sent more than its rate");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let taken_again = || send(1_000).status() == 200;
    assert!(poll(std::time::Duration::from_secs(30), taken_again));
    let ledger = server.ledger();
    let deferred = &ledger["total"]["deferred"]["over_limit"]["requests"];
    assert!(deferred.as_u64() > Some(0), "{ledger}");
    server.stop();
}
