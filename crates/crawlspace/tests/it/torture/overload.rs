//! Overload: three times as much as it can take, in a memory limit of 512 MiB. The program lives within four fifths of it,
//! refuses honestly what it can't take, takes as much as ever, and is as before once that is over.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::amount;
use crate::otlp::{attribute, request, span, text};
use crate::server::{PROTOBUF, Server, new_data_directory, poll};

const LIMIT_BYTES: u64 = 512 << 20;
const LIMIT_SHARE: f64 = 0.8;
const SPANS_PER_REQUEST: u64 = 2_000;
/// As many as keep two cores busy, each with its next request ready at once.
const SENDERS: u64 = 4;
/// Those of the overload, each with its share of the requests.
const SENDERS_TOO_MANY: u64 = 48;
/// How much more than it takes it is sent then.
const TOO_MUCH: f64 = 3.0;
const NORMAL_AGAIN_WITHIN: Duration = Duration::from_secs(10);

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
    let load = Load {
        template: Template::new(),
        counts: Counts::default(),
        peak_kib: AtomicU64::default(),
    };
    // In the long run long enough for parts to be merged, too.
    let alone_time = Duration::from_secs(amount(5, 40));
    let alone = load.goodput(&server, SENDERS, None, alone_time);
    let overload_time = Duration::from_secs(amount(20, 300));
    let requests_per_second = TOO_MUCH * alone / SPANS_PER_REQUEST as f64;
    let every = Duration::from_secs_f64(SENDERS_TOO_MANY as f64 / requests_per_second);
    let overloaded = load.goodput(&server, SENDERS_TOO_MANY, Some(every), overload_time);
    let began = Instant::now();
    let is_taken = || load.send(&server, load.next()).is_none();
    assert!(poll(NORMAL_AGAIN_WITHIN, is_taken), "{}", server.log());
    let normal_after = began.elapsed();
    let Counts {
        acknowledged,
        refused,
        ..
    } = load.counts;
    let (acknowledged, refused) = (acknowledged.into_inner(), refused.into_inner());
    let spans = server.number("SELECT count(*) FROM spans").cast_unsigned();
    assert_eq!(spans, acknowledged * SPANS_PER_REQUEST, "lost or doubled");
    let peak = load.peak_kib.into_inner() << 10;
    eprintln!(
        "{SENDERS_TOO_MANY} senders of {TOO_MUCH} times {alone:.0} spans/s for {overload_time:?}: {:.0}% of them taken; \
         {acknowledged} requests taken, {refused} refused, at most {} MiB of {}, normal again after {normal_after:?}",
        100.0 * overloaded / alone,
        peak >> 20,
        LIMIT_BYTES >> 20,
    );
    assert!(
        peak as f64 <= LIMIT_SHARE * LIMIT_BYTES as f64,
        "{peak} bytes"
    );
    // Beside other tests half of it has to do; senders and the program share the cores at all times.
    let share_min = amount(50, 90) as f64 / 100.0;
    assert!(overloaded >= share_min * alone);
    server.stop();
}

struct Load {
    template: Template,
    counts: Counts,
    peak_kib: AtomicU64,
}

impl Load {
    /// Spans per second that were acknowledged. Each sender has a request `every` so long, or always.
    fn goodput(
        &self,
        server: &Server,
        senders: u64,
        every: Option<Duration>,
        time: Duration,
    ) -> f64 {
        let is_over = AtomicBool::new(false);
        let before = self.counts.acknowledged.load(Ordering::Relaxed);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..senders {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let asked = Instant::now();
                        self.send_until_taken(server, &is_over);
                        if let Some(every) = every {
                            let is_over = || is_over.load(Ordering::Relaxed);
                            poll(every.saturating_sub(asked.elapsed()), is_over);
                        }
                    }
                });
            }
            poll(time, || {
                self.peak_kib
                    .fetch_max(server.resident_kib(), Ordering::Relaxed);
                false
            });
            is_over.store(true, Ordering::Relaxed);
        });
        let acknowledged = self.counts.acknowledged.load(Ordering::Relaxed) - before;
        (acknowledged * SPANS_PER_REQUEST) as f64 / began.elapsed().as_secs_f64()
    }

    /// As exporters do: what is refused is sent again after the time that the refusal says.
    fn send_until_taken(&self, server: &Server, is_over: &AtomicBool) {
        let number = self.next();
        while let Some(wait) = self.send(server, number) {
            let is_over = || is_over.load(Ordering::Relaxed);
            if poll(wait, is_over) {
                return;
            }
        }
    }

    fn next(&self) -> u64 {
        self.counts.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// How long to wait, if it was refused. Every refusal has to say that the same request is welcome later.
    fn send(&self, server: &Server, number: u64) -> Option<Duration> {
        let post = server.client().post(server.traces_url());
        let body = self.template.body(number);
        let answer = post
            .header("content-type", PROTOBUF)
            .body(body)
            .send()
            .unwrap_or_else(|error| panic!("{error:?}: {}", server.log()));
        match answer.status().as_u16() {
            200 => {
                self.counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                None
            }
            429 | 503 => {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                let wait = answer.headers()["retry-after"].to_str().unwrap();
                Some(Duration::from_secs(wait.parse().unwrap()))
            }
            status => panic!("refused with {status}"),
        }
    }
}

/// A request of about a megabyte, of which others are made that differ by their trace: that costs the senders little.
struct Template {
    body: Vec<u8>,
    traces_at: Vec<usize>,
}

impl Template {
    fn new() -> Self {
        const TRACE: u128 = 0x5eed_5eed_5eed_5eed_5eed_5eed_5eed_5eed;
        let payload = "x".repeat(400);
        let spans = (1..=SPANS_PER_REQUEST).map(|id| {
            let attributes = vec![attribute("payload", text(payload.as_str()))];
            span(TRACE, id, "much", attributes)
        });
        let body = request("overload", spans.collect());
        let trace = TRACE.to_be_bytes();
        let traces_at = (0..body.len() - trace.len()).filter(|at| body[*at..].starts_with(&trace));
        let traces_at: Vec<usize> = traces_at.collect();
        assert_eq!(traces_at.len() as u64, SPANS_PER_REQUEST);
        Self { body, traces_at }
    }

    fn body(&self, number: u64) -> Vec<u8> {
        let (mut body, trace) = (self.body.clone(), u128::from(number + 1).to_be_bytes());
        for at in &self.traces_at {
            body[*at..][..trace.len()].copy_from_slice(&trace);
        }
        body
    }
}
