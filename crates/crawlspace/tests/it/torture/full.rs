//! Disk full: the program lives, answers questions, refuses telemetry as its own trouble, and takes it again by itself.

use std::time::{Duration, Instant};

use reqwest::blocking::Response;
use serde_json::Value;

use super::amount;
use super::instruments::small_disk::SmallDisk;
use crate::otlp::{attribute, request, span, text};
use crate::server::{Server, poll};

const DISK_MEBIBYTES: u64 = 96;
/// A twentieth of the disk has to be free; this is less, yet enough to write what is in memory.
const NEARLY_FULL_BYTES: u64 = 3 << 20;
/// With room again, telemetry is taken within this.
const TAKEN_AGAIN_WITHIN: Duration = Duration::from_secs(5);
/// It only ends a test that would never end.
const REFUSED_WITHIN: Duration = Duration::from_secs(60);
const FLAGS: [&str; 4] = ["--flush-rows", "300", "--flush-age", "200ms"];
const SPANS_PER_REQUEST: u64 = 50;

/// What was acknowledged.
#[derive(Default)]
struct Sent {
    requests: u64,
    acknowledged: u64,
}

impl Sent {
    /// Sends one request, again and again as it was until it is taken if it is refused.
    fn send(&mut self, server: &Server) -> Response {
        let spans = (0..SPANS_PER_REQUEST).map(|number| {
            let payload = "x".repeat(500);
            let attributes = vec![attribute("payload", text(payload))];
            span(
                u128::from(self.requests) + 1,
                number + 1,
                "kept",
                attributes,
            )
        });
        let response = server
            .export(request("disk", spans.collect()))
            .send()
            .unwrap();
        self.requests += 1;
        if response.status() == 200 {
            self.acknowledged += 1;
        }
        response
    }

    fn check(&self, server: &Server) {
        let found = server.sql("SELECT count(*), count(DISTINCT trace_id) FROM spans");
        let acknowledged = i64::try_from(self.acknowledged).unwrap();
        let spans = i64::try_from(SPANS_PER_REQUEST).unwrap();
        let found: Vec<i64> = found.rows[0]
            .iter()
            .map(|cell| crate::answers::integer(cell).unwrap())
            .collect();
        assert_eq!(
            found,
            [acknowledged * spans, acknowledged],
            "{}",
            server.log()
        );
    }
}

#[test]
fn a_full_disk_refuses_telemetry_answers_questions_and_goes_on_by_itself() {
    let Some(disk) = SmallDisk::mount(DISK_MEBIBYTES) else {
        eprintln!("not shown here: this machine lets nobody mount a small disk");
        return;
    };
    let cycles = amount(2, 20);
    let mut sent = Sent::default();
    let mut server = disk.start(&FLAGS).unwrap();
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles {
        for _ in 0..10 {
            assert_eq!(sent.send(&server).status(), 200);
        }
        // By turns nearly full, and full to the last byte.
        let is_nearly = cycle % 2 == 0;
        disk.fill(if is_nearly { NEARLY_FULL_BYTES } else { 0 });
        let refused = |sent: &mut Sent, server: &Server| sent.send(server).status() != 200;
        assert!(poll(REFUSED_WITHIN, || refused(&mut sent, &server)));
        check_refusal(&sent.send(&server));
        assert!(
            poll(REFUSED_WITHIN, || is_told(&server)),
            "{}",
            server.log()
        );
        sent.check(&server);
        if !is_nearly {
            server.kill();
            server = disk.start(&FLAGS).expect("it starts on a full disk");
            check_refusal(&sent.send(&server));
            sent.check(&server);
        }
        disk.make_room();
        let began = Instant::now();
        assert!(
            poll(TAKEN_AGAIN_WITHIN, || !refused(&mut sent, &server)),
            "{}",
            server.log()
        );
        slowest = slowest.max(began.elapsed());
        let is_ready = || server.get("/readyz").status() == 200;
        assert!(poll(REFUSED_WITHIN, is_ready), "{}", server.log());
        sent.check(&server);
    }
    server.flush();
    sent.check(&server);
    let ledger = server.ledger();
    assert_eq!(
        ledger["total"]["stored"]["requests"], sent.acknowledged,
        "{ledger}"
    );
    server.stop();
    eprintln!(
        "{cycles} cycles, {} requests acknowledged, {} refused: 0 lost, 0 doubled; taken again within {slowest:?}",
        sent.acknowledged,
        sent.requests - sent.acknowledged
    );
}

/// Our trouble, for now: whoever sent it keeps it and tries again.
fn check_refusal(response: &Response) {
    assert_eq!(response.status(), 503);
    let after = response.headers()["retry-after"].to_str().unwrap();
    assert!(after.parse::<u64>().unwrap() > 0);
}

/// Health, metrics and doctor say what is wrong; the program itself lives.
fn is_told(server: &Server) -> bool {
    assert_eq!(server.get("/livez").status(), 200);
    let readiness = server.get("/readyz");
    let metrics = server.get("/metrics").text().unwrap();
    let doctor: Value = server.get("/api/v1/doctor").json().unwrap();
    readiness.status() == 503
        && readiness
            .text()
            .unwrap()
            .contains("the disk is almost full")
        && metrics.contains("\ncrawlspace_disk_full 1\n")
        && doctor["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["advice"].as_str().unwrap().starts_with("make room"))
}
