//! Lost answers: the line is cut after a request was sent, and after so many bytes of its answer. The client sends again
//! until it has an answer, over restarts too. Each request is stored once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::instruments::numbered::batch;
use super::{amount, seed};
use crate::server::{PROTOBUF, Server, new_data_directory, poll};

const SENDERS: u64 = 4;
/// The same request loses so many answers at most.
const CUTS_MAX: u64 = 3;
/// An answer to telemetry that was taken is no longer than this.
const ANSWER_BYTES_MAX: usize = 400;
const FLAGS: [&str; 4] = ["--flush-rows", "300", "--flush-age", "200ms"];

/// What was sent, all senders together.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    spans: AtomicU64,
    lost_answers: AtomicU64,
}

#[test]
fn a_request_whose_answer_is_lost_is_sent_again_and_stored_once() {
    let (_home, data) = new_data_directory();
    let seed = seed();
    let counts = Counts::default();
    let restarts = 2;
    let lost_max = amount(200, 5_000);
    for life in 1..=restarts {
        let server = Server::start_with(&data, &FLAGS);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let random = StdRng::seed_from_u64(seed ^ (life << 8 | sender));
                let (server, counts) = (&server, &counts);
                let until = lost_max * life / restarts;
                scope.spawn(move || send(server, counts, (life, sender), until, random));
            }
        });
        check(&server, &counts, seed);
        server.flush();
        check(&server, &counts, seed);
        if life < restarts {
            server.kill();
        } else {
            server.stop();
        }
    }
    eprintln!("{counts:?}: 0 lost, 0 doubled");
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [requests, spans, lost] = [&self.requests, &self.spans, &self.lost_answers]
            .map(|count| count.load(Ordering::Relaxed));
        write!(
            f,
            "{requests} requests of {spans} spans, {lost} lost answers"
        )
    }
}

fn send(
    server: &Server,
    counts: &Counts,
    (life, sender): (u64, u64),
    lost_until: u64,
    mut random: StdRng,
) {
    let mut from = 0;
    while counts.lost_answers.load(Ordering::Relaxed) < lost_until {
        let (spans, body) = batch(life, sender, from, &mut random);
        from += spans.len() as u64;
        for _ in 0..random.random_range(1..=CUTS_MAX) {
            lose_answer(server, &body, &mut random);
            counts.lost_answers.fetch_add(1, Ordering::Relaxed);
        }
        server.send(body);
        counts.requests.fetch_add(1, Ordering::Relaxed);
        counts
            .spans
            .fetch_add(spans.len() as u64, Ordering::Relaxed);
    }
}

/// Sends a request, and cuts the line before the answer, or somewhere in it.
fn lose_answer(server: &Server, body: &[u8], random: &mut StdRng) {
    let address = server.otlp_http().strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {length}\r\n\r\n"
    );
    line.write_all(head.as_bytes()).unwrap();
    line.write_all(body).unwrap();
    if random.random() {
        // Nobody waits for the answer: it may be given, or the request given up on the way.
        return;
    }
    let mut answer = vec![0; random.random_range(1..ANSWER_BYTES_MAX)];
    _ = line.read(&mut answer).unwrap();
}

/// A request that is still being dealt with when its sender is gone is seen soon after.
fn check(server: &Server, counts: &Counts, seed: u64) {
    let [requests, spans] =
        [&counts.requests, &counts.spans].map(|count| count.load(Ordering::Relaxed));
    let is_settled = || server.ledger()["total"]["stored"]["requests"] == requests;
    poll(super::SETTLED_WITHIN, is_settled);
    let ledger = server.ledger();
    let stored = &ledger["total"]["stored"];
    assert_eq!(
        (stored["requests"].as_u64(), stored["records"].as_u64()),
        (Some(requests), Some(spans)),
        "seed {seed}: {ledger}"
    );
    let different = "SELECT count(*) FROM (SELECT DISTINCT round, writer, sequence FROM spans)";
    for sql in ["SELECT count(*) FROM spans", different] {
        let found = u64::try_from(server.number(sql)).unwrap();
        assert_eq!(found, spans, "seed {seed}: {sql}: {ledger}");
    }
    let repeated = ledger["total"]["deduplicated"]["requests"]
        .as_u64()
        .unwrap();
    assert!(repeated > 0, "seed {seed}: no answer was lost: {ledger}");
}
