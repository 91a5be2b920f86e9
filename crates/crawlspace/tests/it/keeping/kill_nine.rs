//! Twenty times killed at a random moment under load: a checker that remembers what was
//! acknowledged finds all of it, once and unaltered, and nothing that was never sent. Then what was not answered is sent
//! again, and some of what was: all of it is there once, and the ledger counts it so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::trace::v1::Span;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::answers::integer;
use crate::bucket::Bucket;
use crate::duck::Duck;
use crate::otlp::{attribute, now, request, span, text};
use crate::server::{PROTOBUF, Server, gzip, new_data_directory, poll, setting};

const ROUNDS: u64 = 20;
const ROUNDS_IN_BUCKET: u64 = 5;
const WRITERS: u64 = 3;
/// The load goes on for at most this long before the kill.
const LOAD_MAX: Duration = Duration::from_millis(800);
const LOADED_WITHIN: Duration = Duration::from_secs(120);
/// However slow the machine is, so many requests are answered before the kill.
const ANSWERED_MIN: u64 = 4 * WRITERS;
/// Flushes happen every few requests.
const FLAGS: [&str; 4] = ["--flush-rows", "300", "--flush-age", "200ms"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Numbered {
    round: u64,
    writer: u64,
    sequence: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Has to be there, once.
    Acknowledged,
    /// The answer never came: there once, or not at all.
    Unknown,
}

/// A request as it was sent.
struct Sent {
    spans: Vec<Numbered>,
    body: Vec<u8>,
    fate: Fate,
}

#[test]
fn kill_nine_loses_and_doubles_nothing() {
    let (_home, data) = new_data_directory();
    let (sent, count) = kill_and_check(&data, &[], ROUNDS);
    check_catalogue(&data, &sent, count);
}

#[test]
fn kill_nine_loses_and_doubles_nothing_in_a_bucket() {
    let (bucket, (_home, data)) = (Bucket::start(), new_data_directory());
    kill_and_check(&data, &bucket.flags("killed"), ROUNDS_IN_BUCKET);
}

/// What was sent, and how many spans there are at the end.
fn kill_and_check(data: &Path, store: &[String], rounds: u64) -> (HashMap<Numbered, Fate>, i64) {
    let store = store.iter().map(String::as_str);
    let flags: Vec<&str> = FLAGS.into_iter().chain(store).collect();
    let seed = setting("CRAWLSPACE_SEED").map_or_else(now, |seed| seed.parse().unwrap());
    eprintln!("CRAWLSPACE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = HashMap::new();
    let mut requests = Requests::default();
    let mut last: Vec<Sent> = Vec::new();
    for round in 0..rounds {
        let server = Server::start_with(data, &flags);
        if let Some(round) = round.checked_sub(1) {
            requests.add(&last);
            check(&server, &sent, round, seed);
            requests.repeat(&server, &last, &mut random);
            sent.extend(fates(&last, |_| Fate::Acknowledged));
            check(&server, &sent, round, seed);
            requests.check_ledger(&server, sent.len(), seed);
        }
        last = load_and_kill(server, round, &mut random);
        sent.extend(fates(&last, |sent| sent.fate));
    }
    let acknowledged = sent
        .values()
        .filter(|fate| **fate == Fate::Acknowledged)
        .count();
    eprintln!(
        "{acknowledged} spans acknowledged, {} unknown",
        sent.len() - acknowledged
    );
    assert!(acknowledged > 50 * rounds as usize, "hardly any load");

    let server = Server::start_with(data, &flags);
    for round in 0..rounds {
        check(&server, &sent, round, seed);
    }
    server.flush();
    let count = server.number("SELECT count(*) FROM spans");
    server.stop();
    (sent, count)
}

/// Three writers, one thread that flushes and compacts, and the kill in the midst of it.
fn load_and_kill(server: Server, round: u64, random: &mut StdRng) -> Vec<Sent> {
    let is_alive = AtomicBool::new(true);
    let answered = AtomicU64::new(0);
    let (client, url) = (server.client(), server.traces_url());
    let maintenance = format!("{}/api/v1/maintenance", server.http());
    let write = |writer: u64, mut random: StdRng| {
        let (mut sent, mut from) = (Vec::new(), 0);
        while is_alive.load(Ordering::Relaxed) {
            let post = || client.post(&url).header("content-type", PROTOBUF);
            if random.random_ratio(1, 8) {
                // Refused, and counted so.
                let _ = post().body("no OTLP").send();
            }
            let (spans, body) = batch(round, writer, from, &mut random);
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
            answered.fetch_add(1, Ordering::Relaxed);
        }
        sent
    };
    let maintain = || {
        for step in ["flush", "compact"]
            .iter()
            .cycle()
            .take_while(|_| is_alive.load(Ordering::Relaxed))
        {
            // Its answer may be lost to the kill: what counts is what is found afterwards.
            let _ = client.post(format!("{maintenance}/{step}")).send();
        }
    };
    let write = &write;
    std::thread::scope(|scope| {
        let start = |writer| {
            let random = StdRng::seed_from_u64(random.random());
            scope.spawn(move || write(writer, random))
        };
        let writers: Vec<_> = (0..WRITERS).map(start).collect();
        scope.spawn(maintain);
        let is_loaded = poll(LOADED_WITHIN, || {
            answered.load(Ordering::Relaxed) >= ANSWERED_MIN
        });
        poll(LOAD_MAX.mul_f64(random.random()), || false);
        server.kill();
        is_alive.store(false, Ordering::Relaxed);
        assert!(is_loaded, "hardly any load");
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    })
}

fn fates(sent: &[Sent], fate: impl Fn(&Sent) -> Fate) -> impl Iterator<Item = (Numbered, Fate)> {
    sent.iter().flat_map(move |sent| {
        sent.spans
            .iter()
            .map(|span| (*span, fate(sent)))
            .collect::<Vec<_>>()
    })
}

/// How many there were, over all rounds.
#[derive(Default)]
struct Requests {
    /// Different ones.
    different: u64,
    /// Answered with 200, and sent at all: the same one may be both several times.
    acknowledged: u64,
    sent: u64,
}

impl Requests {
    fn add(&mut self, sent: &[Sent]) {
        let acknowledged = sent.iter().filter(|sent| sent.fate == Fate::Acknowledged);
        self.different += sent.len() as u64;
        self.sent += sent.len() as u64;
        self.acknowledged += acknowledged.count() as u64;
    }

    /// Sends again what was not answered, as an SDK does, and some of what was.
    fn repeat(&mut self, server: &Server, sent: &[Sent], random: &mut StdRng) {
        for sent in sent {
            if sent.fate == Fate::Unknown || random.random_ratio(1, 8) {
                server.send(sent.body.clone());
                self.sent += 1;
                self.acknowledged += 1;
            }
        }
    }

    /// Everything that was ever sent is stored by now, once; the rest of what was answered repeated it.
    fn check_ledger(&self, server: &Server, spans: usize, seed: u64) {
        let ledger = server.ledger();
        let of = |part: &str, unit: &str| ledger["total"][part][unit].as_u64().unwrap();
        let stored = (of("stored", "requests"), of("stored", "records"));
        assert_eq!(
            stored,
            (self.different, spans as u64),
            "seed {seed}: {ledger}"
        );
        let there = server.number("SELECT count(*) FROM spans");
        assert_eq!(
            there,
            i64::try_from(spans).unwrap(),
            "seed {seed}: {ledger}"
        );
        let answered = self.different + of("deduplicated", "requests");
        assert!(
            (self.acknowledged..=self.sent).contains(&answered),
            "seed {seed}: {} acknowledged, {} sent: {ledger}",
            self.acknowledged,
            self.sent
        );
    }
}

/// The next spans of a writer, with the request that carries them.
fn batch(round: u64, writer: u64, from: u64, random: &mut StdRng) -> (Vec<Numbered>, Vec<u8>) {
    let numbers = from..from + random.random_range(1..40);
    let batch: Vec<Numbered> = numbers
        .map(|sequence| Numbered {
            round,
            writer,
            sequence,
        })
        .collect();
    let spans = batch
        .iter()
        .map(|numbered| numbered_span(*numbered, random))
        .collect();
    (batch, request("load", spans))
}

fn numbered_span(numbered: Numbered, random: &mut StdRng) -> Span {
    let Numbered {
        round,
        writer,
        sequence,
    } = numbered;
    let payload: String = (0..random.random_range(0..120))
        .map(|_| random.random_range('a'..'я'))
        .collect();
    let int = |key: &str, value: u64| attribute(key, Otlp::IntValue(value.cast_signed()));
    let trace = u128::from(round + 1) << 64 | u128::from(writer);
    let attributes = vec![
        int("round", round),
        int("writer", writer),
        int("sequence", sequence),
        int("checksum", checksum(numbered, &payload)),
        attribute("payload", text(payload)),
    ];
    span(trace, sequence + 1, "numbered", attributes)
}

/// FNV-1a over the numbers and the payload.
fn checksum(numbered: Numbered, payload: &str) -> u64 {
    let numbers = [numbered.round, numbered.writer, numbered.sequence].map(u64::to_le_bytes);
    let bytes = numbers.as_flattened().iter().chain(payload.as_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What the program holds of one round against what was sent in it.
fn check(server: &Server, sent: &HashMap<Numbered, Fate>, round: u64, seed: u64) {
    let mut found: HashMap<Numbered, u64> = HashMap::new();
    for writer in 0..WRITERS {
        let answer = server.sql(&format!(
            "SELECT sequence, checksum, payload FROM spans WHERE round = {round}
             AND writer = {writer}"
        ));
        for row in answer.rows {
            let sequence = integer(&row[0]).unwrap().cast_unsigned();
            let numbered = Numbered {
                round,
                writer,
                sequence,
            };
            let stored = integer(&row[1]).unwrap().cast_unsigned();
            let payload = row[2].as_str().unwrap();
            assert_eq!(
                checksum(numbered, payload),
                stored,
                "seed {seed}: altered: {numbered:?}"
            );
            assert!(
                sent.contains_key(&numbered),
                "seed {seed}: never sent: {numbered:?}"
            );
            *found.entry(numbered).or_default() += 1;
        }
    }
    for (numbered, fate) in sent.iter().filter(|(numbered, _)| numbered.round == round) {
        match (found.get(numbered), fate) {
            (Some(1), _) | (None, Fate::Unknown) => {}
            (count, _) => panic!("seed {seed}: {fate:?} {numbered:?} is there {count:?} times"),
        }
    }
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
