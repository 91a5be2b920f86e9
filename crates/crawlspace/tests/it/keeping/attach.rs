//! A stranger with `DuckDB` can read the running program's catalogue after every step that changes
//! it.

use std::path::Path;

use crate::duck::Duck;
use crate::otlp::{attribute, plain_spans, request, span, text};
use crate::server::{Server, new_data_directory};

/// As many attribute columns as a table has at most.
const KEYS: u64 = 1_000;

#[test]
fn duckdb_attaches_after_every_kind_of_step() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    check_counts(&data, 0, "create");
    server.send(request("first", plain_spans(1, 10)));
    server.flush();
    check_counts(&data, 10, "a flush");
    let keyed = (1..=KEYS).map(|id| {
        span(
            2,
            id,
            "keyed",
            vec![attribute(&format!("new.key.{id}"), text("v"))],
        )
    });
    server.send(request("second", keyed.collect()));
    server.flush();
    check_counts(&data, 10 + KEYS, "1,000 new keys");
    let mut duck = Duck::attached(&data);
    assert_eq!(
        duck.number("SELECT count(\"new.key.7\") FROM lake.spans"),
        1
    );
    server.compact();
    check_counts(&data, 10 + KEYS, "a compaction");
    assert_eq!(
        duck.number("SELECT count(\"new.key.7\") FROM lake.spans"),
        1
    );
    server.stop();
    check_counts(&data, 10 + KEYS, "the end");
}

/// In a process that has never seen the catalogue: every table answers, with every column.
fn check_counts(data: &Path, spans: u64, step: &str) {
    let mut duck = Duck::attached(data);
    for (table, expected) in [
        ("spans", spans),
        ("logs", 0),
        ("metrics", 0),
        ("changes", 0),
    ] {
        let rows = duck.rows(&format!("SELECT * FROM lake.{table}"));
        assert_eq!(rows.len() as u64, expected, "rows of {table} after {step}");
        let count = duck.number(&format!("SELECT count(*) FROM lake.{table}"));
        assert_eq!(
            count.cast_unsigned(),
            expected,
            "count of {table} after {step}"
        );
    }
}
