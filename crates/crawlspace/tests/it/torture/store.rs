//! An object store that fails and lies: telemetry is taken all the same, since it is in the log. Each row is there once,
//! after restarts too; what can't be read fails, and never misses rows in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use crawlspace_disk::SimFs;
use crawlspace_lake::AtStart;
use object_store::ObjectStore;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::instruments::faulty_store::FaultyStore;
use super::instruments::in_process::{InProcess, home, runtime};
use super::{amount, arm, seed};

const STEPS: i64 = 24;
const SPANS_PER_REQUEST: i64 = 3;
/// The store is left alone again: what was held up gets done within so many tries.
const TRIES_MAX: usize = 20;

#[test]
fn a_store_that_fails_or_lies_costs_no_row_and_doubles_none() {
    arm();
    let first = seed();
    let seeds = amount(200, 5_000);
    let mut totals = Totals::default();
    runtime().block_on(async {
        for seed in first..first + seeds {
            run(seed, &mut totals).await;
        }
    });
    assert!(totals.failed > 0, "no fault was felt");
    eprintln!("{seeds} seeds, {totals:?}: 0 lost, 0 doubled");
}

#[derive(Debug, Default)]
struct Totals {
    requests: u64,
    /// Flushes, compactions, starts and questions that did not succeed.
    failed: u64,
    done: u64,
    restarts: u64,
}

impl Totals {
    fn count<T, E>(&mut self, result: Result<T, E>) -> Option<T> {
        match &result {
            Ok(_) => self.done += 1,
            Err(_) => self.failed += 1,
        }
        result.ok()
    }
}

async fn run(seed: u64, totals: &mut Totals) {
    let home = home();
    let mut fs = SimFs::new(seed);
    let store = FaultyStore::new(seed);
    let mut random = StdRng::seed_from_u64(seed);
    let mut expected = BTreeMap::new();
    let mut process = open(home.path(), &fs, &store, totals).await;
    for step in 0..STEPS {
        match random.random_range(0..10) {
            0..5 => {
                let numbers: Vec<i64> =
                    (step * SPANS_PER_REQUEST..(step + 1) * SPANS_PER_REQUEST).collect();
                let sent = process.send(&numbers).await;
                sent.expect("the log takes it, whatever the store does");
                totals.requests += 1;
                expected.extend(numbers.into_iter().map(|number| (number, 1)));
            }
            5..8 => _ = totals.count(process.flush().await),
            8 => _ = totals.count(process.compact().await),
            _ => {
                process.die().await;
                fs = fs.crash();
                totals.restarts += 1;
                process = open(home.path(), &fs, &store, totals).await;
            }
        }
        if let Some(found) = totals.count(process.numbers().await) {
            assert_eq!(found, expected, "CRAWLSPACE_SEED={seed}, step {step}");
        }
    }
    store.mend();
    for _ in 0..TRIES_MAX {
        if process.flush().await.is_ok() && process.compact().await.is_ok() {
            break;
        }
    }
    process.flush().await.unwrap();
    assert_eq!(
        process.numbers().await.unwrap(),
        expected,
        "CRAWLSPACE_SEED={seed}"
    );
    let requests = expected.len() as u64 / SPANS_PER_REQUEST.cast_unsigned();
    assert_eq!(process.stored(), requests, "CRAWLSPACE_SEED={seed}");
    process.die().await;
}

/// A start needs the store, if there is something to tidy up: like a person, it tries again.
async fn open(
    home: &std::path::Path,
    fs: &SimFs,
    store: &Arc<FaultyStore>,
    totals: &mut Totals,
) -> InProcess {
    for _ in 0..TRIES_MAX {
        let place: Arc<dyn ObjectStore> = Arc::clone(store) as _;
        if let Some(process) =
            totals.count(InProcess::open(home, fs, place, AtStart::TrustStore).await)
        {
            return process;
        }
    }
    panic!("it does not start");
}
