//! Killed, over and over, under load: a checker that remembers what was acknowledged finds all of it, once and unaltered,
//! and nothing that was never sent. Then what was not answered is sent again, and some of what was: all of it is there
//! once, and the ledger counts it so. First at random moments, then at each of those that are named.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crawlspace_disk::fault::Moment;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::blocking::Client;

use super::instruments::books::Requests;
use super::instruments::numbered::{Fate, Numbered, Sent, batch_below, check};
use super::{amount, seed};
use crate::bucket::Bucket;
use crate::duck::Duck;
use crate::server::{PROTOBUF, Server, gzip, new_data_directory, poll};

const ROUNDS_IN_BUCKET: u64 = 5;
const WRITERS: u64 = 3;
/// The load goes on for at most this long before the kill.
const LOAD_MAX: Duration = Duration::from_millis(800);
const LOADED_WITHIN: Duration = Duration::from_secs(120);
/// However slow the machine is, so many requests are answered before the kill.
const ANSWERED_MIN: u64 = 4 * WRITERS;
/// Flushes happen every few requests, or never.
const SOON: [&str; 4] = ["--flush-rows", "300", "--flush-age", "200ms"];
const LATE: [&str; 4] = ["--flush-rows", "1000000", "--flush-age", "1h"];

/// How a round ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// From outside, whatever the program is doing.
    Random,
    /// By itself, as it gets to this moment for the n-th time.
    At(&'static str, u64),
}

impl End {
    /// What the server of such a round is told to do.
    fn flag(self) -> Option<String> {
        match self {
            Self::Random => None,
            Self::At(moment, passes) => Some(format!("crash:{moment}:{passes}")),
        }
    }
}

#[test]
fn a_kill_at_any_moment_loses_and_doubles_nothing() {
    let (_home, data) = new_data_directory();
    let ends = vec![End::Random; usize::try_from(amount(15, 150)).unwrap()];
    let (sent, count) = kill_and_check(&data, &[], &ends);
    check_catalogue(&data, &sent, count);
}

#[test]
fn a_crash_at_each_named_moment_loses_and_doubles_nothing() {
    let (_home, data) = new_data_directory();
    let mut random = StdRng::seed_from_u64(seed());
    // What has to be there before some of the moments can come: segments and rows of an earlier start.
    let mut ends = vec![End::Random; 2];
    for _ in 0..amount(1, 5) {
        for (moment, name) in Moment::ALL {
            let passes = match moment {
                // These come once per start, or hardly more often.
                Moment::SegmentBegun
                | Moment::SegmentRemoved
                | Moment::SnapshotsExpired
                | Moment::RecordReplayed => 1,
                _ => random.random_range(1..5),
            };
            ends.push(End::At(name, passes));
        }
    }
    let (sent, count) = kill_and_check(&data, &[], &ends);
    check_catalogue(&data, &sent, count);
}

#[test]
fn a_kill_loses_and_doubles_nothing_in_a_bucket() {
    let (bucket, (_home, data)) = (Bucket::start(), new_data_directory());
    let ends = [End::Random; ROUNDS_IN_BUCKET as usize];
    kill_and_check(&data, &bucket.flags("killed"), &ends);
}

/// What was sent, and how many spans there are at the end.
fn kill_and_check(data: &Path, store: &[String], ends: &[End]) -> (HashMap<Numbered, Fate>, i64) {
    let store: Vec<&str> = store.iter().map(String::as_str).collect();
    let with = |more: &[&'static str]| [&store[..], more].concat();
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = HashMap::new();
    let mut requests = Requests::default();
    let mut last: Vec<Sent> = Vec::new();
    let rounds = ends.len() as u64;
    for (round, end) in (0..).zip(ends) {
        let age = match end {
            End::Random => SOON,
            // What is sent again stays in the log, for the start that dies in the midst of it.
            End::At(..) => LATE,
        };
        let server = Server::start_with(data, &with(&age));
        if let Some(round) = u64::checked_sub(round, 1) {
            requests.add(&last);
            check(&server, &sent, (round, WRITERS), seed);
            requests.repeat(&server, &last, &mut random);
            sent.extend(fates(&last, |_| Fate::Acknowledged));
            check(&server, &sent, (round, WRITERS), seed);
            requests.check_ledger(&server, sent.len(), seed);
        }
        let server = match end.flag() {
            None => Some(server),
            Some(fault) => {
                server.kill();
                let flags = with(&SOON);
                // Some moments come before it is ready.
                Server::try_start(data, &[&flags[..], &["--fault", &fault]].concat()).ok()
            }
        };
        last = server.map_or_else(Vec::new, |server| {
            load_and_kill(server, *end, round, &mut random)
        });
        sent.extend(fates(&last, |sent| sent.fate));
    }
    let acknowledged = sent
        .values()
        .filter(|fate| **fate == Fate::Acknowledged)
        .count();
    eprintln!(
        "{rounds} kills, {acknowledged} spans acknowledged, {} unknown: 0 lost, 0 doubled, 0 altered up to the last",
        sent.len() - acknowledged
    );
    let loaded = ends.iter().filter(|end| matches!(end, End::Random));
    assert!(acknowledged > 50 * loaded.count(), "hardly any load");

    let server = Server::start_with(data, &with(&SOON));
    for round in 0..rounds {
        check(&server, &sent, (round, WRITERS), seed);
    }
    server.flush();
    let count = server.number("SELECT count(*) FROM spans");
    server.stop();
    (sent, count)
}

/// Three writers, one thread that flushes and compacts, and the kill in the midst of it.
fn load_and_kill(mut server: Server, end: End, round: u64, random: &mut StdRng) -> Vec<Sent> {
    let load = Load {
        is_alive: AtomicBool::new(true),
        answered: AtomicU64::new(0),
        client: server.client(),
        url: server.traces_url(),
        maintenance: format!("{}/api/v1/maintenance", server.http()),
    };
    let load = &load;
    std::thread::scope(|scope| {
        let start = |writer| {
            let random = StdRng::seed_from_u64(random.random());
            scope.spawn(move || load.write(round, writer, random))
        };
        let writers: Vec<_> = (0..WRITERS).map(start).collect();
        scope.spawn(|| load.maintain());
        let is_done = match end {
            End::Random => {
                let answered = || load.answered.load(Ordering::Relaxed) >= ANSWERED_MIN;
                let is_loaded = poll(LOADED_WITHIN, answered);
                poll(LOAD_MAX.mul_f64(random.random()), || false);
                is_loaded
            }
            End::At(..) => poll(LOADED_WITHIN, || server.has_ended()),
        };
        let log = server.log();
        server.kill();
        load.is_alive.store(false, Ordering::Relaxed);
        assert!(is_done, "{end:?} did not come: {log}");
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    })
}

/// What is sent to one server as long as it lives.
struct Load {
    is_alive: AtomicBool,
    answered: AtomicU64,
    client: Client,
    url: String,
    maintenance: String,
}

impl Load {
    fn write(&self, round: u64, writer: u64, mut random: StdRng) -> Vec<Sent> {
        let (mut sent, mut from) = (Vec::new(), 0);
        while self.is_alive.load(Ordering::Relaxed) {
            let post = || self.client.post(&self.url).header("content-type", PROTOBUF);
            if random.random_ratio(1, 8) {
                // Refused, and counted so.
                let _ = post().body("no OTLP").send();
            }
            let most = amount(40, 300);
            let (spans, body) = batch_below(most, (round, writer, from), &mut random);
            from += spans.len() as u64;
            let post = if random.random() {
                post().header("content-encoding", "gzip").body(gzip(&body))
            } else {
                post().body(body.clone())
            };
            let answer = post.send().map(|response| response.status());
            let fate = match &answer {
                Ok(status) if *status == 200 => Fate::Acknowledged,
                Ok(_) | Err(_) => Fate::Unknown,
            };
            sent.push(Sent { spans, body, fate });
            if answer.is_err() {
                break;
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    fn maintain(&self) {
        for step in ["flush", "compact"]
            .iter()
            .cycle()
            .take_while(|_| self.is_alive.load(Ordering::Relaxed))
        {
            // Its answer may be lost to the kill: what counts is what is found afterwards.
            let _ = self
                .client
                .post(format!("{}/{step}", self.maintenance))
                .send();
        }
    }
}

fn fates(sent: &[Sent], fate: impl Fn(&Sent) -> Fate) -> impl Iterator<Item = (Numbered, Fate)> {
    sent.iter().flat_map(move |sent| {
        sent.spans
            .iter()
            .map(|span| (*span, fate(sent)))
            .collect::<Vec<_>>()
    })
}

fn check_catalogue(data: &Path, sent: &HashMap<Numbered, Fate>, count: i64) {
    let mut duck = Duck::attached(data);
    let rows = duck.rows("SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM lake.spans");
    assert_eq!(rows, [[count, count]]);
    let acknowledged = sent
        .values()
        .filter(|fate| **fate == Fate::Acknowledged)
        .count();
    assert!((acknowledged..=sent.len()).contains(&usize::try_from(count).unwrap()));
}
