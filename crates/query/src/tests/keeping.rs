//! The lake over days, by a clock that tests set: what retention, compaction and the sweep leave on disk, and what a
//! reader sees meanwhile.

mod backup;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use crawlspace_disk::RealFs;
use crawlspace_lake::{
    Config as LakeConfig, Dependencies, Lake, LocalStore, Retention, SqliteCatalogue,
};
use crawlspace_model::{Clock, Table, UnixNanos};
use crawlspace_wire::batch::{Cell, TableBuilder};
use tempfile::TempDir;
use tokio::sync::watch;

use super::runtime;
use crate::{Config, Engine};

/// 2026-11-22 20:40:09.
const START: i64 = 1_795_380_009_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);
const FLUSHES_PER_STEP: u64 = 5;

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::Relaxed))
    }
}

struct Days {
    directory: TempDir,
    clock: Arc<SetClock>,
    lake: Arc<Lake>,
    engine: Engine,
    rows_per_step: u64,
    /// Steps published so far.
    published: AtomicU64,
}

async fn open(root: &Path, clock: &Arc<SetClock>, retention: Retention) -> Arc<Lake> {
    std::fs::create_dir_all(root.join("data")).unwrap();
    let catalogue = SqliteCatalogue::open(
        &root.join("catalogue.sqlite"),
        &root.join("data"),
        Arc::<SetClock>::clone(clock),
    )
    .await;
    let dependencies = Dependencies {
        catalogue: Arc::new(catalogue.unwrap()),
        store: Arc::new(LocalStore::new(Arc::new(RealFs), root.to_owned())),
        clock: Arc::<SetClock>::clone(clock),
    };
    let config = LakeConfig {
        retention,
        ..LakeConfig::default()
    };
    Lake::open(config, dependencies).await.unwrap()
}

/// Gives whole answers, however long.
fn engine(lake: &Arc<Lake>) -> Engine {
    let config = Config {
        rows_max: Config::default().rows_limit_max,
        ..Config::default()
    };
    Engine::new(Arc::clone(lake), config)
}

/// Of each step that is there: its number, rows, and different spans.
async fn steps_of(engine: &Engine) -> Vec<(u64, i64, i64)> {
    let sql =
        "SELECT step, count(*), count(DISTINCT span_id) FROM spans GROUP BY step ORDER BY step";
    let answer = engine.sql(sql).await.unwrap();
    let mut steps = Vec::new();
    for batch in &answer.batches {
        let column = |index: usize| batch.column(index).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let step = column(0).value(row).cast_unsigned();
            steps.push((step, column(1).value(row), column(2).value(row)));
        }
    }
    steps
}

impl Days {
    async fn new(retention: Retention, rows_per_step: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(START)));
        let lake = open(directory.path(), &clock, retention).await;
        let engine = engine(&lake);
        Self {
            directory,
            clock,
            lake,
            engine,
            rows_per_step,
            published: AtomicU64::new(0),
        }
    }

    fn pass(&self, time: Duration) {
        let nanos = i64::try_from(time.as_nanos()).unwrap();
        self.clock.0.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Rows of one more step, in several parts; each step has an attribute that no other has.
    async fn publish(&self) {
        let step = self.published.load(Ordering::SeqCst);
        let rows = self.rows_per_step / FLUSHES_PER_STEP;
        for flush in 0..FLUSHES_PER_STEP {
            let first = step * self.rows_per_step + flush * rows;
            let end = step * FLUSHES_PER_STEP + flush + 1;
            let batch = self.batch(step, first..first + rows);
            self.lake.publish(end, vec![(Table::Spans, batch)]);
            if flush + 1 == FLUSHES_PER_STEP {
                self.published.store(step + 1, Ordering::SeqCst);
            }
            self.lake.flush().await.unwrap();
        }
    }

    fn batch(&self, step: u64, numbers: std::ops::Range<u64>) -> arrow::array::RecordBatch {
        let own = format!("only.{step}");
        let now = self.clock.now().0;
        let mut builder = TableBuilder::new(Table::Spans);
        for number in numbers {
            builder.set("time", Cell::Time(now - 1_000_000_000));
            builder.set("received_at", Cell::Time(now));
            builder.set("duration_ns", Cell::Int(number.cast_signed()));
            builder.set(
                "trace_id",
                Cell::Bytes(&u128::from(number / 10 + 1).to_be_bytes()),
            );
            builder.set("span_id", Cell::Bytes(&(number + 1).to_be_bytes()));
            for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
                builder.set(column, Cell::Text(text));
            }
            builder.set("sample_weight", Cell::Double(1.0));
            let step = crawlspace_model::attribute::Value::Int(step.cast_signed());
            for key in ["step", own.as_str()] {
                builder.attribute(key, &step);
            }
            builder.end_row();
        }
        builder.finish()
    }

    /// What maintenance does in the background, until there is nothing more to do at this time.
    async fn maintain(&self) {
        while self.lake.compact(None).await.unwrap().merged > 0 {}
        self.lake.retire().await.unwrap();
        self.lake.sweep().await.unwrap();
    }

    /// Lets snapshots and objects live out their time.
    async fn settle(&self) {
        self.maintain().await;
        for _ in 0..3 {
            self.pass(2 * HOUR);
            self.maintain().await;
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory.path().join("data/main/spans")).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn disk_bytes(&self) -> u64 {
        let sizes = self
            .files()
            .into_iter()
            .map(|file| file.metadata().unwrap().len());
        sizes.sum()
    }

    fn live_bytes(&self) -> u64 {
        let snapshot = self.lake.snapshot();
        let parts = snapshot.table(Table::Spans).parts.iter();
        parts.map(|part| part.meta.size_bytes).sum()
    }

    async fn steps(&self) -> Vec<(u64, i64, i64)> {
        steps_of(&self.engine).await
    }
}

#[test]
fn over_days_disk_use_returns_to_what_retention_keeps() {
    runtime().block_on(async {
        let retention = Retention {
            age: [36 * HOUR; 4],
            size_bytes_max: None,
        };
        let days = Days::new(retention, 50_000).await;
        let (mut half_way, mut columns) = (0, 0);
        for step in 0..10u64 {
            days.publish().await;
            days.maintain().await;
            days.pass(12 * HOUR);
            days.maintain().await;
            // A finished hour ends in few parts: five flushes in one.
            let parts = days.lake.snapshot().table(Table::Spans).parts.len();
            assert!(parts <= 4, "{parts} parts after step {step}");
            if step == 4 {
                half_way = days.disk_bytes();
                columns = days
                    .lake
                    .snapshot()
                    .table(Table::Spans)
                    .columns
                    .iter()
                    .count();
            }
        }
        days.settle().await;
        let kept: Vec<u64> = days
            .steps()
            .await
            .into_iter()
            .map(|(step, ..)| step)
            .collect();
        assert_eq!(
            kept,
            [8, 9],
            "received within 36 hours: 12 and 24 hours ago, and the settling"
        );
        assert_eq!(
            days.disk_bytes(),
            days.live_bytes(),
            "nothing but live parts is left"
        );
        assert!(
            days.disk_bytes() <= half_way,
            "{} after {half_way}",
            days.disk_bytes()
        );
        let left = days
            .lake
            .snapshot()
            .table(Table::Spans)
            .columns
            .iter()
            .count();
        assert!(
            left < columns,
            "columns of rows that are gone are free again: {left} of {columns}"
        );
        days.pass(1_000 * HOUR);
        days.settle().await;
        assert!(days.files().is_empty(), "{:?}", days.files());
    });
}

#[test]
fn beyond_the_size_the_oldest_parts_go_first() {
    runtime().block_on(async {
        let days = Days::new(Retention::default(), 1_000).await;
        days.publish().await;
        days.settle().await;
        let one_step = days.disk_bytes();
        let retention = Retention {
            size_bytes_max: Some(one_step * 3 + one_step / 2),
            ..Retention::default()
        };
        let days = Days::new(retention, 1_000).await;
        for _ in 0..8 {
            days.publish().await;
            days.pass(HOUR);
            days.maintain().await;
        }
        days.settle().await;
        let kept: Vec<u64> = days
            .steps()
            .await
            .into_iter()
            .map(|(step, ..)| step)
            .collect();
        assert_eq!(kept, [5, 6, 7]);
        assert!(days.disk_bytes() <= one_step * 7 / 2);
        assert_eq!(days.disk_bytes(), days.live_bytes());
    });
}

#[test]
fn parts_that_can_not_be_deleted_keep_nobody_from_flushing_and_compacting() {
    runtime().block_on(async {
        let retention = Retention {
            age: [HOUR; 4],
            size_bytes_max: None,
        };
        let days = Days::new(retention, 1_000).await;
        days.publish().await;
        // A directory in the place of a file can't be deleted as one.
        let stubborn = days.files().pop().unwrap();
        std::fs::remove_file(&stubborn).unwrap();
        std::fs::create_dir(&stubborn).unwrap();
        days.pass(2 * HOUR);
        assert_eq!(
            days.lake.retire().await.unwrap().parts,
            FLUSHES_PER_STEP as usize
        );
        days.lake.sweep().await.unwrap();
        for hours in [2, 1] {
            days.pass(hours * HOUR);
            days.lake.sweep().await.unwrap_err();
        }
        assert_eq!(days.files(), [stubborn.clone()], "all others are gone");
        days.publish().await;
        days.pass(HOUR / 2);
        assert_eq!(days.lake.compact(None).await.unwrap().into, 1);
        assert_eq!(days.steps().await, [(1, 1_000, 1_000)]);
        std::fs::remove_dir(&stubborn).unwrap();
        days.lake.sweep().await.unwrap();
    });
}

/// Asks fifty times a second. Each answer has each step whole: of those that were published before the question, none is
/// missing that was not about to be retired at its end.
#[test]
fn a_reader_sees_every_row_once_through_flush_compaction_and_expiry() {
    const ROWS: u64 = 1_000;
    const STEPS: u64 = 16;
    runtime().block_on(async {
        let retention = Retention {
            age: [Duration::from_secs(9 * 900); 4],
            size_bytes_max: None,
        };
        let days = Arc::new(Days::new(retention, ROWS).await);
        // Before the first row there is no such field to ask for.
        days.publish().await;
        let retiring = Arc::new(AtomicU64::new(0));
        let (asked, mut answered) = watch::channel(0u64);
        let reader = tokio::spawn({
            let (days, retiring) = (Arc::clone(&days), Arc::clone(&retiring));
            async move {
                let mut timer = tokio::time::interval(Duration::from_millis(20));
                loop {
                    timer.tick().await;
                    let before = days.published.load(Ordering::SeqCst);
                    let steps = days.steps().await;
                    let gone = retiring.load(Ordering::SeqCst);
                    let rows = ROWS.cast_signed();
                    for (step, count, distinct) in &steps {
                        let growing = *step >= before;
                        assert!(
                            count == distinct,
                            "step {step} has {count} rows of {distinct} spans"
                        );
                        assert!(growing || *count == rows, "step {step} has {count} rows");
                    }
                    for step in gone..before {
                        assert!(
                            steps.iter().any(|(found, ..)| *found == step),
                            "step {step} of {gone}..{before} is missing: {steps:?}"
                        );
                    }
                    asked.send_modify(|answers| *answers += 1);
                    if before == STEPS {
                        return;
                    }
                }
            }
        });
        for step in 1..STEPS {
            days.publish().await;
            days.lake.compact(Some(2)).await.unwrap();
            days.pass(HOUR / 4);
            // Whoever asked before the next step's retirement may still see what goes with it.
            retiring.store((step + 1).saturating_sub(9), Ordering::SeqCst);
            days.lake.retire().await.unwrap();
            // Time flies here, and takes the grace with it: every question that began before is to end.
            let seen = *answered.borrow_and_update();
            let ended = answered
                .wait_for(|answers| *answers >= seen + 2)
                .await
                .map(|_| ());
            if ended.is_err() {
                break;
            }
            days.lake.sweep().await.unwrap();
        }
        reader.await.unwrap();
        assert!(*answered.borrow() >= 2 * (STEPS - 1));
        let parts = days.lake.snapshot().table(Table::Spans).parts.len();
        assert!(
            days.files().len() < (STEPS * FLUSHES_PER_STEP) as usize,
            "objects were deleted meanwhile"
        );
        assert!(parts < days.files().len() + 1);
    });
}
