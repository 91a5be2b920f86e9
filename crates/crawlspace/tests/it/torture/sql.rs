//! Hostile SQL beside telemetry: questions that would take for ever, all memory, or a file. Each ends with its time, no
//! request is refused meanwhile, nothing of the machine is told, and the program lives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::instruments::numbered::batch;
use super::{Done, amount, seed};
use crate::server::{Server, new_data_directory, poll};

const TIME_LIMIT: &str = "1s";
/// A question that is over gives its core back within this. Machines are slow at times.
const ENDED_WITHIN: Duration = Duration::from_secs(20);
/// Stands in a file that a question may try to read.
const SECRET: &str = "canary-5f1e";

#[test]
fn hostile_sql_ends_in_time_reads_nothing_and_holds_up_no_telemetry() {
    let (home, data) = new_data_directory();
    let canary = home.path().join("canary.csv");
    std::fs::write(&canary, format!("secret\n{SECRET}\n")).unwrap();
    let server = Server::start_with(&data, &["--flush-rows", "500"]);
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..40 {
        server.send(batch(round, 0, 0, &mut random).1);
    }
    let alone = acknowledgements(&server, &mut random.clone(), 100, || false);
    let is_done = AtomicBool::new(false);
    let statements = amount(100, 3_000);
    let mut slowest = Duration::ZERO;
    let beside = std::thread::scope(|scope| {
        let random_of_sender = StdRng::seed_from_u64(random.random());
        let sender = scope.spawn(|| {
            let mut random = random_of_sender;
            acknowledgements(&server, &mut random, 101, || {
                is_done.load(Ordering::Relaxed)
            })
        });
        let done = Done(&is_done);
        for _ in 0..statements {
            let sql = hostile(&mut random, &canary.display().to_string());
            let began = Instant::now();
            let answer = server
                .post("/api/v1/sql")
                .json(&json!({"sql": sql, "timeout": TIME_LIMIT, "rows_max": 10}))
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
            let is_over = || {
                let metrics = server.get("/metrics").text().unwrap();
                metrics.contains("\ncrawlspace_queries_running 0\n")
            };
            assert!(poll(ENDED_WITHIN, is_over), "CRAWLSPACE_SEED={seed}: {sql}");
            slowest = slowest.max(began.elapsed());
        }
        drop(done);
        sender.join().unwrap()
    });
    eprintln!(
        "{statements} statements, the slowest over after {slowest:?}; {} requests acknowledged beside them, \
         p99 {:?}, alone {:?}",
        beside.len(),
        p99(&beside),
        p99(&alone)
    );
    server.stop();
}

/// How long requests took to be acknowledged, until it is done, but a hundred of them at least. None may be refused.
fn acknowledgements(
    server: &Server,
    random: &mut StdRng,
    round: u64,
    is_done: impl Fn() -> bool,
) -> Vec<Duration> {
    const REQUESTS_MIN: usize = 100;
    let (mut times, mut from) = (Vec::new(), 0);
    while times.len() < REQUESTS_MIN || !is_done() && round > 100 {
        let (spans, body) = batch(round, 0, from, random);
        from += spans.len() as u64;
        let began = Instant::now();
        server.send(body);
        times.push(began.elapsed());
    }
    times
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() * 99 / 100]
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
