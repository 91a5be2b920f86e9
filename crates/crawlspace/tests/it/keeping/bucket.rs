//! Parts in a bucket: what holds for a local directory holds there, also while the bucket can't be reached.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bucket::Bucket;
use crate::otlp::{now, plain_spans, request};
use crate::place::Place;
use crate::sending::otlp_rules::call::{Answer, Call, Class, Way, answer};
use crate::sending::otlp_rules::requests::Signal;
use crate::server::{Server, files_below, new_data_directory, poll};

const COUNT: &str = "SELECT count(*) FROM spans";
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(120);
const SPANS: u64 = 500;
const MEMORY_BYTES_MAX: u64 = 4 << 20;
const FLAGS: [&str; 6] = [
    "--store-cache-size",
    "1B",
    "--memory-size",
    "4MiB",
    "--flush-age",
    "200ms",
];

/// Rows in memory: none once all is written.
fn rows_in_memory(server: &Server) -> i64 {
    let tables: Value = server.get("/api/v1/tables").json().unwrap();
    tables[0]["rows_in_memory"].as_i64().unwrap()
}

fn bytes_in_memory(server: &Server) -> u64 {
    let metrics = server.get("/metrics").text().unwrap();
    let lines = metrics.lines();
    let mut found = lines.filter_map(|line| line.strip_prefix("crawlspace_memory_bytes "));
    found.next().unwrap().parse().unwrap()
}

fn send(server: &Server, way: Way, trace: u128) -> Answer {
    let body = request("outage", plain_spans(trace, SPANS));
    answer(server, &Call::raw(way, Signal::Traces, body))
}

/// Sends until memory has reached its bound. Over HTTP and gRPC alike the next request is told why, and to come again.
fn fill(server: &Server, traces: &mut u128) {
    let refused = (0..1_000).find_map(|_| {
        let answer = send(server, Way::Protobuf, *traces + 1);
        let is_taken = answer.class == Class::Taken;
        *traces += u128::from(is_taken);
        (!is_taken).then_some(answer)
    });
    let refused = refused.expect("memory never fills");
    for refused in [refused, send(server, Way::Grpc, *traces + 1)] {
        assert_eq!(refused.class, Class::Later);
        let reason = "rows in memory wait for a flush (over 4 MiB): try again soon";
        assert_eq!(refused.message, reason);
    }
    let held = bytes_in_memory(server);
    let beyond = MEMORY_BYTES_MAX..MEMORY_BYTES_MAX * 3 / 2;
    assert!(beyond.contains(&held), "{held}");
}

/// What is in memory answers; what needs the store says which store is away, and that it may pass.
fn check_answers(server: &Server, first_trace: u128, last_trace: u128, cut_at: u64) {
    let of_part = json!({"sql": format!("SELECT name FROM spans WHERE trace_id = '{:032x}'", 1)});
    let problem = server.ask("/api/v1/sql", &of_part).unwrap_err();
    assert_eq!(problem["status"], 503, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("S3"), "{problem}");
    let of_memory =
        json!({"from": "spans", "range": {"start": cut_at.to_string()}, "calculate": ["count"]});
    let found = server.ask("/api/v1/query", &of_memory).unwrap();
    let expected = (last_trace - first_trace) * u128::from(SPANS);
    assert_eq!(found.number(), expected as i64);
}

#[test]
fn an_outage_of_the_store_loses_and_doubles_nothing() {
    let place = Place::bucket();
    let bucket = place.bucket.as_ref().unwrap();
    let mut server = place.start(&FLAGS);
    let mut traces = 1;
    assert_eq!(send(&server, Way::Protobuf, traces).class, Class::Taken);
    server.flush();
    assert!(place.parts()[0].starts_with("data/main/spans/"));
    assert!(files_below(&place.data.join("lake"), ".parquet").is_empty());

    for is_restarted in [false, true] {
        bucket.cut();
        let (cut_at, before) = (now(), traces);
        fill(&server, &mut traces);
        check_answers(&server, before, traces, cut_at);
        if is_restarted {
            // Not even that needs the store.
            server.kill();
            server = place.start(&FLAGS);
            assert!(rows_in_memory(&server) > 0);
        }
        bucket.mend();
        // Whoever was refused comes again, and nothing else is needed.
        traces += 1;
        let goes_on = || send(&server, Way::Grpc, traces).class == Class::Taken;
        assert!(poll(CAUGHT_UP_WITHIN, goes_on), "{}", server.log());
        let is_written = || rows_in_memory(&server) == 0;
        assert!(poll(CAUGHT_UP_WITHIN, is_written), "{}", server.log());
        let found = server.sql("SELECT count(*), count(DISTINCT trace_id) FROM spans");
        let expected = [traces * u128::from(SPANS), traces].map(|number| json!(number as u64));
        assert_eq!(found.rows, [expected], "restarted: {is_restarted}");
    }
    server.compact();
    let expected = (traces * u128::from(SPANS)) as i64;
    assert_eq!(server.number(COUNT), expected);
    server.stop();
    let server = place.start(&FLAGS);
    assert_eq!(server.number(COUNT), expected);
    drop(server);
    let elsewhere = Server::try_start(&place.data, &[]).err().unwrap();
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
