//! Overload: far more senders than the machine serves, in a memory limit of 512 MiB. The program lives within four fifths of
//! it, refuses honestly what it can't take, goes on taking the rest, and is as before once they stop.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::amount;
use crate::otlp::{attribute, request, span, text};
use crate::server::{PROTOBUF, Server, new_data_directory, poll};

const LIMIT_BYTES: u64 = 512 << 20;
const LIMIT_SHARE: f64 = 0.8;
const SPANS_PER_REQUEST: u64 = 2_000;
/// As many as keep two cores busy.
const SENDERS: u64 = 4;
/// … and far more; each has its next request ready at once.
const SENDERS_TOO_MANY: u64 = 48;
const ALONE_TIME: Duration = Duration::from_secs(5);
const NORMAL_AGAIN_WITHIN: Duration = Duration::from_secs(10);
/// Senders and the program share the cores here, so that little of it can be asked for.
const GOODPUT_SHARE_MIN: f64 = 0.5;

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

/// A control group with a memory limit. Gone with the server in it.
struct Group(PathBuf);

impl Group {
    /// None where this machine lets us have none.
    fn new() -> Option<Self> {
        let name = format!("crawlspace-{}", std::process::id());
        let path = PathBuf::from("/sys/fs/cgroup/memory").join(name);
        std::fs::create_dir(&path).ok()?;
        let group = Self(path);
        let limit = group.0.join("memory.limit_in_bytes");
        std::fs::write(limit, LIMIT_BYTES.to_string()).ok()?;
        Some(group)
    }

    fn start(&self, data: &std::path::Path) -> Server {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.0.display());
        Server::try_start_by(
            &["sh", "-c", &enter, "sh"],
            data,
            &["--flush-rows", "20000"],
        )
        .unwrap_or_else(|refusal| panic!("no start: {refusal:?}"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn overload_is_refused_honestly_within_the_memory_that_there_is() {
    let Some(group) = Group::new() else {
        eprintln!("not shown here: this takes root and control groups of version 1");
        return;
    };
    let (_home, data) = new_data_directory();
    let server = group.start(&data);
    let counts = Counts::default();
    let peak = AtomicU64::new(0);
    let alone = goodput(&server, &counts, &peak, SENDERS, ALONE_TIME);
    let overload_time = Duration::from_secs(amount(20, 300));
    let overloaded = goodput(&server, &counts, &peak, SENDERS_TOO_MANY, overload_time);
    let began = Instant::now();
    let taken = || {
        let number = counts.requests.fetch_add(1, Ordering::Relaxed);
        let is_taken = server.export(body(number)).send().unwrap().status() == 200;
        counts
            .acknowledged
            .fetch_add(u64::from(is_taken), Ordering::Relaxed);
        is_taken
    };
    assert!(poll(NORMAL_AGAIN_WITHIN, taken), "{}", server.log());
    let normal_after = began.elapsed();
    let [acknowledged, refused] =
        [&counts.acknowledged, &counts.refused].map(|count| count.load(Ordering::Relaxed));
    let spans = server.number("SELECT count(*) FROM spans").cast_unsigned();
    assert_eq!(spans, acknowledged * SPANS_PER_REQUEST, "lost or doubled");
    let peak = peak.load(Ordering::Relaxed) << 10;
    eprintln!(
        "{SENDERS_TOO_MANY} senders for {overload_time:?}: {:.0}% of the goodput of {SENDERS} ({alone:.0} spans/s), \
         {acknowledged} requests taken, {refused} refused, at most {} MiB of {}, normal again after {normal_after:?}",
        100.0 * overloaded / alone,
        peak >> 20,
        LIMIT_BYTES >> 20,
    );
    assert!(
        peak as f64 <= LIMIT_SHARE * LIMIT_BYTES as f64,
        "{peak} bytes"
    );
    assert!(overloaded >= GOODPUT_SHARE_MIN * alone);
    server.stop();
}

/// Spans per second that were acknowledged. Every refusal has to say that the same request is welcome later.
fn goodput(
    server: &Server,
    counts: &Counts,
    peak: &AtomicU64,
    senders: u64,
    time: Duration,
) -> f64 {
    let is_over = AtomicBool::new(false);
    let before = counts.acknowledged.load(Ordering::Relaxed);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..senders {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    send(server, counts);
                }
            });
        }
        poll(time, || {
            peak.fetch_max(server.resident_kib(), Ordering::Relaxed);
            false
        });
        is_over.store(true, Ordering::Relaxed);
    });
    let acknowledged = counts.acknowledged.load(Ordering::Relaxed) - before;
    (acknowledged * SPANS_PER_REQUEST) as f64 / began.elapsed().as_secs_f64()
}

fn send(server: &Server, counts: &Counts) {
    let number = counts.requests.fetch_add(1, Ordering::Relaxed);
    let post = server.client().post(server.traces_url());
    let post = post.header("content-type", PROTOBUF).body(body(number));
    let answer = post
        .send()
        .unwrap_or_else(|error| panic!("{error:?}: {}", server.log()));
    match answer.status().as_u16() {
        200 => counts.acknowledged.fetch_add(1, Ordering::Relaxed),
        429 | 503 => {
            assert!(answer.headers().contains_key("retry-after"));
            counts.refused.fetch_add(1, Ordering::Relaxed)
        }
        status => panic!("refused with {status}"),
    };
}

/// A request of about a megabyte, unlike all others.
fn body(number: u64) -> Vec<u8> {
    let payload = "x".repeat(400);
    let spans = (1..=SPANS_PER_REQUEST).map(|id| {
        let attributes = vec![attribute("payload", text(payload.as_str()))];
        span(u128::from(number) + 1, id, "much", attributes)
    });
    request("overload", spans.collect())
}
