//! The ledger and repeated requests: nothing is counted twice, stored twice or lost, whatever happens to an answer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::otlp::{plain_spans, request};
use crate::place::Place;
use crate::server::{PROTOBUF, Server, gzip, new_data_directory, poll};

const LOST_REPLIES: u64 = 200;
const KILLS: u64 = 5;
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// When a proxy cuts the connection to its client.
#[derive(Clone, Copy)]
enum Cut {
    /// Once the request is passed on: nobody knows what became of it.
    Request,
    /// Once the answer has begun: the request is stored.
    Answer,
}

/// A proxy for one request, whose answer never arrives.
fn proxy(server: SocketAddr, cut: Cut) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut upstream = TcpStream::connect(server).unwrap();
        let mut bytes = Vec::new();
        while !is_whole(&bytes) {
            let mut chunk = [0; 65_536];
            let read = client.read(&mut chunk).unwrap();
            assert!(read > 0, "the client went away");
            bytes.extend_from_slice(&chunk[..read]);
        }
        upstream.write_all(&bytes).unwrap();
        if let Cut::Answer = cut {
            assert_eq!(upstream.read(&mut [0]).unwrap(), 1);
        }
        client.shutdown(Shutdown::Both).unwrap();
        if let Cut::Request = cut {
            // The server goes on with it meanwhile.
            _ = upstream.read(&mut [0]);
        }
    });
    (address, thread)
}

/// Whether this is a whole HTTP request, by its content length.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some(head) = text.find("\r\n\r\n") else {
        return false;
    };
    let length = text.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    head > 0 && bytes.len() >= end.unwrap() + 4 + length
}

/// Sends it so that the answer is lost.
fn lose(client: &Client, server: &Server, body: &[u8], cut: Cut) -> JoinHandle<()> {
    let door: SocketAddr = server
        .http()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let (address, thread) = proxy(door, cut);
    let post = client.post(format!("http://{address}/v1/traces"));
    let answer = post
        .header("content-type", PROTOBUF)
        .body(body.to_vec())
        .send();
    assert!(answer.is_err(), "an answer came: {answer:?}");
    thread
}

fn records(ledger: &Value, part: &str) -> (u64, u64) {
    let count = &ledger["total"][part];
    let of = |unit: &str| count[unit].as_u64().unwrap_or_default();
    (of("requests"), of("records"))
}

#[test]
fn two_hundred_lost_replies_double_and_lose_nothing() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--flush-rows", "100"]);
    let client = Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let mut answered_late = Vec::new();
    for i in 0..LOST_REPLIES {
        let body = request("retry", plain_spans(u128::from(i) + 1, 3));
        let cut = if i.is_multiple_of(2) {
            Cut::Answer
        } else {
            Cut::Request
        };
        answered_late.push(lose(&client, &server, &body, cut));
        server.send(body);
    }
    for proxy in answered_late {
        proxy.join().unwrap();
    }
    let rows = server
        .sql("SELECT count(*), count(DISTINCT trace_id) FROM spans")
        .rows;
    assert_eq!(rows, [[json!(3 * LOST_REPLIES), json!(LOST_REPLIES)]]);
    let ledger = server.ledger();
    let (stored, deduplicated) = (records(&ledger, "stored"), records(&ledger, "deduplicated"));
    assert_eq!(stored, (LOST_REPLIES, 3 * LOST_REPLIES));
    assert!(deduplicated.0 >= LOST_REPLIES / 2, "{ledger}");
    server.stop();
}

#[test]
fn a_kill_between_commit_and_answer_and_then_a_retry_store_it_once() {
    let (_home, data) = new_data_directory();
    for round in 0..KILLS {
        let server = Server::start(&data);
        let body = request("retry", plain_spans(u128::from(round) + 1, 2));
        let proxy = lose(&server.client(), &server, &body, Cut::Answer);
        if round.is_multiple_of(2) {
            server.flush();
        }
        server.kill();
        proxy.join().unwrap();
        let server = Server::start(&data);
        server.send(body);
        let count = i64::try_from(2 * (round + 1)).unwrap();
        assert_eq!(server.number("SELECT count(*) FROM spans"), count);
        let ledger = server.ledger();
        assert_eq!(records(&ledger, "stored"), (round + 1, 2 * (round + 1)));
        assert_eq!(
            records(&ledger, "deduplicated"),
            (round + 1, 2 * (round + 1))
        );
        server.kill();
    }
}

/// Sends a request, the same again, and several that are wrong in their ways.
fn send_mixed(server: &Server) {
    let mut bad = plain_spans(2, 3);
    bad[0].span_id.clear();
    let good = request("mixed", plain_spans(1, 4));
    for (claim, body, encoding, status) in [
        ("good", good.clone(), "", 200),
        ("the same again", good, "", 200),
        ("a bad span among good ones", request("mixed", bad), "", 200),
        ("no OTLP", b"\xff\xff".to_vec(), "", 400),
        ("damaged gzip", gzip(b"x")[..8].to_vec(), "gzip", 400),
        ("another encoding", Vec::new(), "br", 415),
        ("empty", Vec::new(), "", 200),
    ] {
        let export = server.export(body).header("user-agent", "shop/2");
        let export = match encoding {
            "" => export,
            _ => export.header("content-encoding", encoding),
        };
        assert_eq!(export.send().unwrap().status(), status, "{claim}");
    }
}

fn check_mixed(ledger: &Value) {
    assert_eq!(records(ledger, "received"), (7, 11), "{ledger}");
    assert_eq!(records(ledger, "stored"), (3, 6));
    assert_eq!(records(ledger, "deduplicated"), (1, 4));
    let refused = json!({
        "undecodable": {"requests": 2, "records": 0},
        "unsupported": {"requests": 1, "records": 0},
        "invalid_record": {"requests": 0, "records": 1},
    });
    assert_eq!(ledger["total"]["refused"], refused);
}

#[test]
fn the_ledger_says_why_data_is_not_arriving_and_stays_over_a_restart() {
    check_over_a_restart(&Place::directory());
}

#[test]
fn the_ledger_stays_over_a_restart_with_a_bucket() {
    check_over_a_restart(&Place::bucket());
}

fn check_over_a_restart(place: &Place) {
    let server = place.start(&[]);
    send_mixed(&server);
    let ledger = server.ledger();
    check_mixed(&ledger);
    let refusals = ledger["refusals"].as_array().unwrap();
    let reasons: Vec<&Value> = refusals.iter().map(|refusal| &refusal["reason"]).collect();
    let expected = [
        "unsupported",
        "undecodable",
        "undecodable",
        "invalid_record",
    ];
    assert_eq!(reasons, expected);
    for refusal in refusals {
        assert_eq!(refusal["user_agent"], "shop/2");
        assert_eq!(refusal["door"], "OTLP/HTTP");
    }
    let message = refusals[3]["message"].as_str().unwrap();
    assert!(message.starts_with("1 of 3 spans refused: "), "{message}");
    let by_day: Value = server.get("/api/v1/ledger?by=day").json().unwrap();
    assert_eq!(by_day["lines"][0]["day"].as_str().map(str::len), Some(10));
    assert_eq!(server.get("/api/v1/ledger?by=week").status(), 400);
    server.stop();
    let server = place.start(&[]);
    check_mixed(&server.ledger());
    server.flush();
    server.kill();
    let server = place.start(&[]);
    check_mixed(&server.ledger());
    server.stop();
}

#[test]
fn the_command_line_shows_the_ledger() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let show = || {
        let output = Command::new(env!("CARGO_BIN_EXE_crawlspace"))
            .args(["ledger", "--by-day", "--server", server.http()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(show().starts_with("nothing has reached a door yet"));
    send_mixed(&server);
    let shown = show();
    for part in [
        " none ┆ traces ┆       11 ┆      6 ┆            4 ┆           0 ┆       1 ┆        7 │",
        "11 records received = 6 stored + 4 deduplicated + 0 sampled out + 1 refused",
        "2 requests refused: undecodable",
        "shop/2 OTLP/HTTP traces",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    server.stop();
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_a_refusal() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let door = server.http().strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(door).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {door}\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 100\r\n\r\n"
    );
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(&[10; 50]).unwrap();
    client.shutdown(Shutdown::Both).unwrap();
    let told = poll(TOLD_WITHIN, || {
        let total = &server.ledger()["total"];
        total["deferred"] == json!({"unavailable": {"requests": 1, "records": 0}})
    });
    let ledger = server.ledger();
    assert!(told, "{ledger}");
    assert_eq!(records(&ledger, "received"), (0, 0), "{ledger}");
    server.stop();
}

#[test]
fn deduplication_can_be_switched_off() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--dedup", "off"]);
    let body = request("twice", plain_spans(1, 2));
    server.send(body.clone());
    server.send(body);
    assert_eq!(server.number("SELECT count(*) FROM spans"), 4);
    server.stop();
}

#[test]
fn metrics_are_prometheus_text_and_count_what_happened() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let body = request("measured", plain_spans(1, 5));
    server.send(body.clone());
    server.send(body);
    server.export(b"\xff".to_vec()).send().unwrap();
    server.flush();
    server.number("SELECT count(*) FROM spans");
    let response = server.get("/metrics");
    let content_type = response.headers()["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("text/plain; version=0.0.4"));
    let text = response.text().unwrap();
    let labels = r#"key="0",signal="traces",outcome="#;
    for sample in [
        format!("crawlspace_records_total{{{labels}\"stored\",reason=\"\"}} 5"),
        format!("crawlspace_records_total{{{labels}\"deduplicated\",reason=\"\"}} 5"),
        format!("crawlspace_requests_total{{{labels}\"refused\",reason=\"undecodable\"}} 1"),
        "crawlspace_background_runs_total{work=\"flush\",result=\"done\"} 1".to_owned(),
        "crawlspace_rows{table=\"spans\"} 5".to_owned(),
        "crawlspace_memory_rows{table=\"spans\"} 0".to_owned(),
        "crawlspace_parts{table=\"spans\"} 1".to_owned(),
        "crawlspace_ready 1".to_owned(),
        "crawlspace_queries_total 1".to_owned(),
        "crawlspace_in_flight_bytes 0".to_owned(),
    ] {
        assert!(
            text.lines().any(|line| line == sample),
            "{sample} in\n{text}"
        );
    }
    let number = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .parse()
            .unwrap()
    };
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "crawlspace_wal_bytes",
    ] {
        assert!(number(name) > 0.0, "{name}");
    }
    check_form(&text);
    server.stop();
}

/// What a Prometheus server asks of the text: each family once, its type before its samples, no sample twice.
fn check_form(text: &str) {
    let mut seen = std::collections::BTreeSet::new();
    let mut family = "";
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("#"), Some("HELP")) => {
                family = words.next().unwrap();
                assert!(seen.insert(family.to_owned()), "{family} twice");
            }
            (Some("#"), Some("TYPE")) => {
                assert_eq!(words.next(), Some(family));
                let is_counter = words.next() == Some("counter");
                assert_eq!(is_counter, family.ends_with("_total"), "{family}");
            }
            (Some(sample), Some(value)) => {
                assert_eq!(sample.split('{').next(), Some(family));
                assert!(seen.insert(sample.to_owned() + " "), "{sample} twice");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
            _ => panic!("{line}"),
        }
    }
}
