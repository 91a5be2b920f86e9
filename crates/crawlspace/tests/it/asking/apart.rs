//! SQL in a process of its own: whatever becomes of that, one question ends, and the next one is answered.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::otlp::{plain_spans, request};
use crate::server::{Server, new_data_directory, poll};
use crate::sql_workers::SqlWorkers;

const ENDLESS: &str = "SELECT count(*) FROM spans AS a, spans AS b, spans AS c, spans AS d \
    WHERE a.duration_ns + b.duration_ns + c.duration_ns + d.duration_ns = 7";
/// Machines are busy at times.
const WITHIN: Duration = Duration::from_secs(60);
const BUSY_TICKS: u64 = 20;
const IDLE_FOR: Duration = Duration::from_millis(100);

#[test]
fn a_killed_worker_is_one_error_and_the_next_question_is_answered() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let workers = SqlWorkers(server.process());
    server.send(request("load", plain_spans(1, 500)));
    assert_eq!(workers.ids().len(), 0);
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    let first = workers.ids();
    assert_eq!(first.len(), 1);
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    assert_eq!(workers.ids(), first, "it is kept for the next question");
    let refusal = std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&server, ENDLESS, "60s"));
        let before = workers.processor_ticks();
        assert!(poll(WITHIN, || workers.processor_ticks() > before + BUSY_TICKS));
        kill(first[0]);
        asked.join().unwrap()
    });
    assert_eq!(refusal["status"], 413, "{refusal}");
    let detail = refusal["detail"].as_str().unwrap();
    assert!(detail.contains("ended the process that ran it"), "{detail}");
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    assert_ne!(workers.ids(), first);
    let metrics = server.get("/metrics").text().unwrap();
    for line in [
        "crawlspace_sql_workers_started_total 2",
        "crawlspace_sql_workers_ended_total{reason=\"died\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    server.stop();
}

#[test]
fn a_question_that_takes_too_long_leaves_its_process_to_the_next_or_ends_with_it() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let workers = SqlWorkers(server.process());
    server.send(request("load", plain_spans(1, 500)));
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    let many = "SELECT count(*) FROM spans AS a, spans AS b, spans AS c, spans AS d";
    let is_kept = || {
        let before = workers.ids();
        takes_too_long(&server, many);
        !before.is_empty() && workers.ids() == before
    };
    assert!(poll(WITHIN, is_kept), "it does not stop by itself");
    // One call of a function hears nothing until it is done.
    let texts = ["a", "b"].map(|letter| letter.repeat(30_000));
    let one = format!("SELECT levenshtein('{}', '{}')", texts[0], texts[1]);
    takes_too_long(&server, &one);
    assert!(poll(WITHIN, || workers.ids().is_empty()));
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    server.stop();
}

/// Afterwards no process works on it any more.
fn takes_too_long(server: &Server, sql: &str) {
    let refusal = ask(server, sql, "300ms");
    assert_eq!(refusal["status"], 400, "{refusal}");
    let detail = refusal["detail"].as_str().unwrap();
    assert!(detail.contains("took longer than 300ms"), "{detail}");
    let workers = SqlWorkers(server.process());
    let ticks = workers.processor_ticks();
    std::thread::park_timeout(IDLE_FOR);
    assert!(workers.processor_ticks() <= ticks + 1);
}

#[test]
fn memory_of_sql_is_bounded_and_not_the_servers() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("load", plain_spans(1, 500)));
    let before = server.resident_kib();
    let id = ["a.trace_id"; 16].join(" || ");
    let growing = format!("SELECT length(string_agg({id}, '')) FROM spans a, spans b, spans c");
    let refusal = ask(&server, &growing, "90s");
    assert_eq!(refusal["status"], 413, "{refusal}");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 128 << 10, "{grown} KiB");
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    server.stop();
}

#[test]
fn workers_end_with_their_server_however_that_ends() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("load", plain_spans(1, 500)));
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    let worker = SqlWorkers(server.process()).ids()[0];
    assert!(is_alive(worker));
    server.kill();
    assert!(poll(WITHIN, || !is_alive(worker)));
}

fn ask(server: &Server, sql: &str, timeout: &str) -> Value {
    let body = json!({"sql": sql, "timeout": timeout});
    let answer = server.post("/api/v1/sql").json(&body).send().unwrap();
    answer.json().unwrap()
}

fn kill(id: u32) {
    let status = Command::new("kill").args(["-9", &id.to_string()]).status();
    assert!(status.unwrap().success());
}

/// One that nobody has asked how it ended is still listed.
fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
