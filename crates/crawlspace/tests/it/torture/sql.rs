//! Hostile SQL beside telemetry: questions that would take for ever, all memory, or a file. Each ends with its time, no
//! request is refused or waits for it, nothing of the machine is told, and the program lives.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::instruments::numbered::batch;
use super::{Done, amount, seed};
use crate::server::{Server, new_data_directory, poll};
use crate::sql_workers::SqlWorkers;

const TIME_LIMIT: Duration = Duration::from_secs(1);
/// A question whose time is over gives its core back within this.
const ENDED_WITHIN: Duration = Duration::from_secs(1);
/// Telemetry alone, beside processes that only take cores, and beside SQL take turns: all of them see the same machine and
/// the same merges. The second tells which part of what SQL costs is that of any core in use.
const TURNS: (u64, u64) = (2, 12);
/// How long telemetry is without SQL in each, alone and beside such processes.
const WITHOUT_SECONDS: (u64, u64) = (3, 20);
/// Runs a process that takes a core, with as little weight as a worker has.
const IDLER: [&str; 5] = ["-n", "10", "sh", "-c", "while :; do :; done"];
/// Telemetry as a hundred servers send it.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(10);
/// So long is looked whether a core is used.
const LOOK: Duration = Duration::from_millis(30);
/// What the server may take more than with telemetry alone, whatever is asked.
const GROWTH_KIB_MAX: u64 = 256 << 10;
/// Acknowledgements beside SQL may take this much of what they take alone; and in the short form, where few are the
/// slowest hundredth, what other tests at the same time make of that.
const SLOWER_PERCENT: u32 = 150;
const SLACK_MS: u64 = 100;
/// Stands in a file that a question may try to read.
const SECRET: &str = "canary-5f1e";

#[test]
fn hostile_sql_ends_in_time_reads_nothing_and_holds_up_no_telemetry() {
    let (home, data) = new_data_directory();
    let canary = home.path().join("canary.csv");
    std::fs::write(&canary, format!("secret\n{SECRET}\n")).unwrap();
    let seed = seed();
    // In the long form there are parts without that, and telemetry is taken as it is everywhere.
    let flush_rows = amount(500, 100_000).to_string();
    let server = Server::start_with(&data, &["--flush-rows", &flush_rows]);
    let mut random = StdRng::seed_from_u64(seed);
    let telemetry = |round| (&server, round, StdRng::seed_from_u64(seed + round));
    let turns = amount(TURNS.0, TURNS.1);
    let statements = amount(100, 3_000);
    let without = Duration::from_secs(amount(WITHOUT_SECONDS.0, WITHOUT_SECONDS.1));
    let wait = || _ = poll(without, || false);
    let [mut alone, mut idled, mut busy] = [(); 3].map(|()| Seen::default());
    let mut slowest = Duration::ZERO;
    for turn in 0..turns {
        alone.add(beside(telemetry(3 * turn), wait));
        let idlers = Idlers::start();
        idled.add(beside(telemetry(3 * turn + 1), wait));
        drop(idlers);
        busy.add(beside(telemetry(3 * turn + 2), || {
            for _ in 0..statements / turns {
                let sql = hostile(&mut random, &canary.display().to_string());
                slowest = slowest.max(ask(&server, &sql, seed));
            }
        }));
    }
    eprintln!(
        "{statements} statements, the slowest over after {slowest:?}; telemetry alone: {alone}; beside cores in use: \
         {idled}; beside SQL: {busy}"
    );
    eprintln!("{}", workers_ended(&server));
    assert_eq!(busy.files, Vec::<PathBuf>::new());
    assert!(!SqlWorkers(server.process()).may_open_files());
    assert!(slowest <= TIME_LIMIT + ENDED_WITHIN, "{slowest:?}");
    assert!(
        busy.peak_kib < alone.peak_kib + GROWTH_KIB_MAX,
        "{alone}, then {busy}"
    );
    let slack = Duration::from_millis(amount(SLACK_MS, 0));
    assert!(
        busy.part(99) <= alone.part(99) * SLOWER_PERCENT / 100 + slack,
        "{busy} beside SQL, {idled} beside cores in use, {alone} alone"
    );
    server.stop();
}

/// As many processes that only take a core as a worker takes.
struct Idlers(Vec<Child>);

impl Idlers {
    fn start() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let idlers = (0..cores.saturating_sub(1).clamp(1, 4)).map(|_| {
            let mut idler = Command::new("nice");
            idler.args(IDLER).stdin(Stdio::null()).spawn().unwrap()
        });
        Self(idlers.collect())
    }
}

impl Drop for Idlers {
    fn drop(&mut self) {
        for idler in &mut self.0 {
            _ = idler.kill();
            _ = idler.wait();
        }
    }
}

/// What is seen of a server that takes telemetry while something is done.
#[derive(Default)]
struct Seen {
    /// How long requests took to be acknowledged.
    times: Vec<Duration>,
    /// What workers have opened.
    files: Vec<PathBuf>,
    /// The most memory of the server.
    peak_kib: u64,
}

impl Seen {
    fn add(&mut self, more: Self) {
        self.times.extend(more.times);
        self.times.sort();
        self.files.extend(more.files);
        self.peak_kib = self.peak_kib.max(more.peak_kib);
    }

    /// What so many percent of the requests took at most.
    fn part(&self, percent: usize) -> Duration {
        self.times[self.times.len() * percent / 100]
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests acknowledged, p50 {:?}, p99 {:?}, the server {} KiB at most",
            self.times.len(),
            self.part(50),
            self.part(99),
            self.peak_kib
        )
    }
}

fn beside((server, round, mut random): (&Server, u64, StdRng), act: impl FnOnce()) -> Seen {
    let is_done = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || acknowledgements(server, &mut random, round, is_done));
        let looker = scope.spawn(move || look(server, is_done));
        let done = Done(is_done);
        act();
        drop(done);
        let (files, peak_kib) = looker.join().unwrap();
        Seen {
            times: sender.join().unwrap(),
            files,
            peak_kib,
        }
    })
}

/// Asks, and waits until no process works on it any more: how long that took.
fn ask(server: &Server, sql: &str, seed: u64) -> Duration {
    let began = Instant::now();
    let answer = server
        .post("/api/v1/sql")
        .json(&json!({"sql": sql, "timeout": "1s", "rows_max": 10}))
        .send()
        .unwrap_or_else(|error| {
            panic!("CRAWLSPACE_SEED={seed}: {sql}: {error:?}\n{}", server.log())
        });
    // An answer that has begun may break off, as it is then too late for another status.
    let text = answer.text().unwrap_or_default();
    assert!(
        !text.contains(SECRET),
        "CRAWLSPACE_SEED={seed}: {sql}: {text}"
    );
    let workers = SqlWorkers(server.process());
    let mut over = began.elapsed();
    let is_over = || {
        over = began.elapsed();
        let before = workers.processor_ticks();
        std::thread::park_timeout(LOOK);
        workers.processor_ticks() <= before + 1
    };
    assert!(
        poll(TIME_LIMIT + ENDED_WITHIN, is_over),
        "CRAWLSPACE_SEED={seed}: {sql}"
    );
    over
}

/// Until it is done, looks at what workers open, and at the most memory that the server takes.
fn look(server: &Server, is_done: &AtomicBool) -> (Vec<PathBuf>, u64) {
    let (mut files, mut peak) = (Vec::new(), 0);
    while !is_done.load(Ordering::Relaxed) {
        files.extend(SqlWorkers(server.process()).files(server.log_file()));
        peak = peak.max(server.resident_kib());
        std::thread::park_timeout(LOOK);
    }
    files.dedup();
    (files, peak)
}

fn workers_ended(server: &Server) -> String {
    let metrics = server.get("/metrics").text().unwrap();
    let lines = metrics.lines();
    let lines = lines.filter(|line| line.starts_with("crawlspace_sql_workers"));
    lines.collect::<Vec<_>>().join(", ")
}

/// How long requests took to be acknowledged, until it is done. None may be refused.
fn acknowledgements(
    server: &Server,
    random: &mut StdRng,
    round: u64,
    is_done: &AtomicBool,
) -> Vec<Duration> {
    let (mut times, mut from) = (Vec::new(), 0);
    while !is_done.load(Ordering::Relaxed) {
        let (spans, body) = batch(round, 0, from, random);
        from += spans.len() as u64;
        let began = Instant::now();
        server.send(body);
        times.push(began.elapsed());
        std::thread::park_timeout(BETWEEN_REQUESTS);
    }
    times
}

/// One of many kinds, with numbers of its own.
fn hostile(random: &mut StdRng, file: &str) -> String {
    let n = random.random_range(2..400usize);
    let tables = |count: usize| {
        let names: Vec<String> = (0..count).map(|i| format!("spans t{i}")).collect();
        names.join(", ")
    };
    let kinds: [&dyn Fn() -> String; 22] = [
        &|| format!("SELECT count(*) FROM {}", tables(2 + n % 9)),
        &|| {
            format!(
                "SELECT * FROM {} ORDER BY t0.name, t1.payload",
                tables(2 + n % 5)
            )
        },
        &|| {
            format!(
                "SELECT sum(length(repeat(payload, {}))) FROM spans",
                n * 1_000_000
            )
        },
        &|| format!("SELECT repeat(repeat('x', {n}000), {n}000)"),
        &|| {
            format!(
                "SELECT lpad('x', {}), rpad('y', {})",
                n * 10_000_000,
                n * 10_000_000
            )
        },
        &|| format!("SELECT * FROM generate_series(1, {n}000000000)"),
        &|| format!("SELECT * FROM range(0, {n}000000000) a, range(0, {n}000000) b"),
        &|| format!("SELECT {}1{}", "(".repeat(n * 50), ")".repeat(n * 50)),
        &|| format!("SELECT {}", vec!["1"; n * 20].join(" + ")),
        &|| format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(n)),
        &|| {
            format!(
                "SELECT name FROM spans WHERE name IN ({})",
                vec!["'x'"; n * 20].join(",")
            )
        },
        &|| {
            format!(
                "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r -- {n}"
            )
        },
        &|| {
            format!(
                "SELECT count(DISTINCT a.payload || b.payload || c.payload) FROM spans a, spans b, spans c -- {n}"
            )
        },
        &|| {
            format!(
                "SELECT array_agg(a.payload) FROM {}",
                tables(3).replace("t0", "a")
            )
        },
        &|| format!("SELECT regexp_replace(payload, '(.*)*{n}', 'x', 'g') FROM spans"),
        &|| format!("SELECT * FROM '{file}'"),
        &|| format!("SELECT * FROM read_csv('{file}')"),
        &|| format!("COPY (SELECT 1) TO '{file}'"),
        &|| format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{file}'"),
        &|| "SET datafusion.execution.memory_limit = '100G'".to_owned(),
        &|| "SELECT * FROM information_schema.df_settings".to_owned(),
        &|| {
            format!(
                "SELECT percentile(a.duration_ns, 0.{n}), stddev(b.sequence) FROM {} GROUP BY a.payload, b.payload",
                tables(2).replace("t0", "a").replace("t1", "b")
            )
        },
    ];
    kinds[random.random_range(0..kinds.len())]()
}
