//! Parts in a bucket: what holds for a local directory holds there, also while the bucket can't be reached.

use std::time::Duration;

use serde_json::json;

use crate::bucket::Bucket;
use crate::otlp::{now, plain_spans, request};
use crate::server::{Server, files_below, new_data_directory, poll};

const COUNT: &str = "SELECT count(*) FROM spans";
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);
const REFUSED_WITHIN: Duration = Duration::from_secs(30);
const SPANS: u64 = 500;

/// Rows in memory: none once all is written.
fn rows_in_memory(server: &Server) -> i64 {
    let tables: serde_json::Value = server.get("/api/v1/tables").json().unwrap();
    tables[0]["rows_in_memory"].as_i64().unwrap()
}

#[test]
fn an_outage_of_the_store_loses_and_doubles_nothing() {
    let bucket = Bucket::start();
    let (_home, data) = new_data_directory();
    let mut flags = bucket.flags("house");
    flags.extend(
        [
            "--store-cache-size",
            "1B",
            "--memory-size",
            "4MiB",
            "--flush-age",
            "200ms",
        ]
        .map(str::to_owned),
    );
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = Server::start_with(&data, &flags);
    server.send(request("before", plain_spans(1, SPANS)));
    server.flush();
    assert!(bucket.listing().contains("house/data/main/spans/"));
    assert!(files_below(&data.join("lake"), ".parquet").is_empty());

    bucket.cut();
    let cut_at = now();
    let mut trace = 1;
    let refused = (0..1_000).find_map(|_| {
        trace += 1;
        let answer = server
            .export(request("during", plain_spans(trace, SPANS)))
            .send()
            .unwrap();
        (answer.status() != 200).then_some(answer)
    });
    let refused = refused.expect("memory never fills");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    trace -= 1;
    assert!(trace > 2, "hardly anything is taken during an outage");
    // What is in memory answers; what needs the store says which store is away, and that it may pass.
    let of_part = json!({"sql": format!("SELECT name FROM spans WHERE trace_id = '{:032x}'", 1)});
    let problem = server.ask("/api/v1/sql", &of_part).unwrap_err();
    assert_eq!(problem["status"], 503, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("S3"),
        "{problem}"
    );
    let of_memory =
        json!({"from": "spans", "range": {"start": cut_at.to_string()}, "calculate": ["count"]});
    let found = server.ask("/api/v1/query", &of_memory).unwrap();
    assert_eq!(found.number(), ((trace - 1) * u128::from(SPANS)) as i64);

    // Even a restart does not need the store.
    server.kill();
    let server = Server::start_with(&data, &flags);
    assert!(rows_in_memory(&server) > 0);
    bucket.mend();
    assert!(
        poll(CAUGHT_UP_WITHIN, || rows_in_memory(&server) == 0),
        "{}",
        server.log()
    );
    let expected = (trace * u128::from(SPANS)) as i64;
    assert_eq!(server.number(COUNT), expected);
    assert_eq!(
        server.number("SELECT count(DISTINCT span_id) FROM spans"),
        SPANS as i64
    );
    assert!(poll(REFUSED_WITHIN, || {
        let again = server
            .export(request("after", plain_spans(trace + 1, SPANS)))
            .send()
            .unwrap();
        again.status() == 200
    }));
    server.compact();
    assert_eq!(server.number(COUNT), expected + SPANS as i64);
    server.stop();
    let server = Server::start_with(&data, &flags);
    assert_eq!(server.number(COUNT), expected + SPANS as i64);
    drop(server);
    let elsewhere = Server::try_start(&data, &[]).err().unwrap();
    assert!(elsewhere.log.contains("--store"), "{}", elsewhere.log);
}

#[test]
fn a_question_asked_again_is_answered_from_the_cache() {
    let bucket = Bucket::start();
    let (_home, data) = new_data_directory();
    let flags = bucket.flags("cached");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = Server::start_with(&data, &flags);
    server.send(request("kept", plain_spans(1, SPANS)));
    server.flush();
    let sql = "SELECT name, sum(duration_ns) FROM spans GROUP BY name ORDER BY name";
    let expected = server.sql(sql);
    server.stop();
    let server = Server::start_with(&data, &flags);
    bucket.cut();
    assert_eq!(
        server.sql(sql),
        expected,
        "by the next run, without the bucket"
    );
    assert!(!files_below(&data.join("cache"), "").is_empty());
}
