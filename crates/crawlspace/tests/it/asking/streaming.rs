//! Answers in every form as other programs read them, and queries that end with who asked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::otlp::{plain_spans, request};
use crate::server::{Server, new_data_directory, poll};
use crate::sql_workers::SqlWorkers;

/// Many minutes of work that take no memory to speak of.
const ENDLESS: &str =
    "WITH pairs AS (SELECT a.duration_ns + b.duration_ns AS ns FROM spans AS a, spans AS b)
    SELECT count(*) FROM pairs AS p, pairs AS q WHERE p.ns + q.ns = 7";
/// Machines are busy at times.
const WITHIN: Duration = Duration::from_secs(120);
/// Processor time that shows a query at work.
const BUSY_TICKS: u64 = 30;
/// A program without a query takes none for so long.
const IDLE_FOR: Duration = Duration::from_millis(300);

#[test]
fn a_client_that_goes_away_frees_the_core() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("load", plain_spans(1, 500)));
    let body = json!({"sql": ENDLESS, "timeout": "10m"}).to_string();
    let address = server.http().strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    write!(
        client,
        "POST /api/v1/sql HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let workers = SqlWorkers(server.process());
    let before = workers.processor_ticks();
    let is_busy = || workers.processor_ticks() > before + BUSY_TICKS;
    assert!(
        poll(WITHIN, is_busy),
        "the query does not run: {}\n{}",
        answer_of(&mut client),
        server.log()
    );
    drop(client);
    let is_forgotten = || {
        let metrics = server.get("/metrics").text().unwrap();
        metrics.contains("\ncrawlspace_queries_running 0\n")
    };
    assert!(poll(WITHIN, is_forgotten), "the query is not given up");
    let (mut ticks, mut since) = (workers.processor_ticks(), Instant::now());
    assert!(
        poll(WITHIN, || {
            let now = workers.processor_ticks();
            if now > ticks + 1 {
                (ticks, since) = (now, Instant::now());
            }
            since.elapsed() > IDLE_FOR
        }),
        "the query goes on"
    );
    assert_eq!(server.number("SELECT count(*) FROM spans"), 500);
    server.stop();
}

/// What has come by now.
fn answer_of(client: &mut TcpStream) -> String {
    let mut answer = vec![0; 4_096];
    client.set_nonblocking(true).unwrap();
    let length = client.read(&mut answer).unwrap_or_default();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn the_program_serves_its_description_and_answers_as_csv() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("load", plain_spans(1, 3)));
    let document: Value = server.get("/api/v1/openapi.json").json().unwrap();
    assert!(document["paths"]["/api/v1/sql"]["post"].is_object());
    let sql = json!({"sql": "SELECT count(*) AS spans FROM spans"});
    let csv = server
        .post("/api/v1/sql?format=csv")
        .json(&sql)
        .send()
        .unwrap();
    assert_eq!(csv.text().unwrap(), "spans\r\n3\r\n");
    server.stop();
}
