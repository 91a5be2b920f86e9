//! Backups of the lake over days, taken while it goes on with its work: restored, each answers as the lake did then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use crawlspace_disk::{FileSystem, RealFs};
use crawlspace_lake::backup::{BackedUp, Progress, Sources, restore};
use crawlspace_lake::{LocalStore, Retention};
use crawlspace_model::Table;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Days, HOUR, engine, open, steps_of};
use crate::Engine;
use crate::tests::runtime;

const ROWS: u64 = 50_000;
const WHOLE: i64 = ROWS.cast_signed();
const BACKUPS: usize = 3;
const RETENTION: Retention = Retention {
    age: [HOUR.saturating_mul(48); 4],
    size_bytes_max: None,
};

/// Everything there is: each step with its rows and different spans, and every value of every row.
#[derive(Debug, PartialEq)]
struct Contents {
    steps: Vec<(u64, i64, i64)>,
    rows: RecordBatch,
}

async fn contents(engine: &Engine) -> Contents {
    let sql = "SELECT * FROM spans ORDER BY step, span_id";
    let answer = engine.sql(sql).await.unwrap();
    assert!(!answer.footer.cut);
    Contents {
        steps: steps_of(engine).await,
        rows: concat_batches(&answer.schema, &answer.batches).unwrap(),
    }
}

fn part_ids(days: &Days) -> BTreeSet<i64> {
    let snapshot = days.lake.snapshot();
    let parts = snapshot.table(Table::Spans).parts.iter();
    parts.map(|part| part.id).collect()
}

/// What the server's ingest and maintenance do in half a day.
async fn half_a_day(days: &Days) {
    days.publish().await;
    days.lake.compact(Some(2)).await.unwrap();
    days.pass(12 * HOUR);
    days.maintain().await;
}

/// Once the first part is copied, half a day passes before the second is.
async fn back_up_meanwhile(days: &Days, target: &Arc<LocalStore>) -> BackedUp {
    let sources = Sources {
        scratch: days.directory.path().join("backup.tmp"),
        databases: Vec::new(),
    };
    let go_on = |progress: Progress| {
        if progress.parts == 1 {
            block_in_place(|| Handle::current().block_on(half_a_day(days)));
        }
    };
    let target = Arc::clone(target) as _;
    days.lake.backup(&target, &sources, &go_on).await.unwrap()
}

fn store_at(root: &Path) -> Arc<LocalStore> {
    Arc::new(LocalStore::new(Arc::new(RealFs), root.to_owned()))
}

/// The contents of a lake that was made of the backup alone, and of which every byte is good.
async fn restored(days: &Days, backup: &LocalStore) -> (BackedUp, Contents) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    let target = store_at(&root) as _;
    let files: Arc<dyn FileSystem> = Arc::new(RealFs);
    let place = |name: &str| -> PathBuf { root.join(name) };
    let done = restore(backup, &target, &files, &place, &|_| ()).await;
    let lake = open(&root, &days.clock, RETENTION).await;
    assert_eq!(lake.examine(true).await.unwrap(), []);
    let contents = contents(&engine(&lake)).await;
    lake.close().await;
    (done.unwrap(), contents)
}

#[test]
fn over_days_a_backup_of_the_busy_lake_restores_to_what_it_was() {
    runtime().block_on(async {
        let days = Days::new(RETENTION, ROWS).await;
        let backups = tempfile::tempdir().unwrap();
        let backup = store_at(backups.path());
        let (mut again, mut retired) = (0, 0);
        for _ in 0..BACKUPS {
            half_a_day(&days).await;
            days.publish().await;
            let expected = contents(&days.engine).await;
            let before = part_ids(&days);
            let taken = back_up_meanwhile(&days, &backup).await;
            assert_eq!(taken.parts, before.len());
            again += taken.parts - taken.copied_parts;

            let now = days.steps().await;
            let is_gone = |step: &u64| now.iter().all(|(there, ..)| there != step);
            retired += expected
                .steps
                .iter()
                .filter(|(step, ..)| is_gone(step))
                .count();
            assert!(
                !before.is_subset(&part_ids(&days)),
                "parts have ended meanwhile"
            );
            assert!(
                now.last() > expected.steps.last(),
                "rows have come meanwhile"
            );
            // With the objects of these parts: the backup needs none of the lake's.
            days.settle().await;
            let (found, contents) = restored(&days, &backup).await;
            assert_eq!((found.parts, found.bytes), (taken.parts, taken.bytes));
            assert_eq!(contents.steps, expected.steps);
            assert!(
                contents
                    .steps
                    .iter()
                    .all(|(_, rows, spans)| (*rows, *spans) == (WHOLE, WHOLE)),
                "{:?}",
                contents.steps
            );
            assert!(contents.rows == expected.rows, "every value of every row");
        }
        assert!(again > 0, "what an earlier backup has is not copied again");
        assert!(retired > 0, "no step went past retention during a backup");
    });
}
