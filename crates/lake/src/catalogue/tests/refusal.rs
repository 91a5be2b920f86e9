//! Commits that are refused without effect, and catalogues that are not opened.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crawlspace_model::{ErrorKind, Table};

use super::super::{Catalogue as _, Change, ColumnStats, ColumnType, PartMeta};
use super::{Lake, START, SetClock, column, next_id, open, part, path_of, sql};

/// What is wrong with a commit on top of a live column `user` with id `id` and a live part `live`.
fn spoilt_changes(id: i64, live: i64) -> [(&'static str, Change); 11] {
    let int =
        |id, name, stored_name| (Table::Spans, column(id, name, stored_name, ColumnType::Int));
    let more_nulls = ColumnStats {
        column_id: 1,
        null_count: 1_501,
        bounds: None,
    };
    let with_nulls = PartMeta {
        stats: vec![more_nulls],
        ..part(Table::Logs, "c.parquet")
    };
    let too_long = PartMeta {
        rows: u64::MAX,
        ..part(Table::Logs, "c.parquet")
    };
    [
        (
            "log position 9 is before 10",
            spoilt(|change| change.wal_position = Some(9)),
        ),
        (
            "is next",
            spoilt(|change| change.new_columns.push(int(id, "b", "b"))),
        ),
        (
            "is next",
            spoilt(|change| change.new_columns.push(int(id + 2, "b", "b"))),
        ),
        (
            "UNIQUE",
            spoilt(|change| change.new_columns.push(int(id + 1, "b", "USER"))),
        ),
        (
            "UNIQUE",
            spoilt(|change| change.new_columns.push(int(id + 1, "user", "b"))),
        ),
        (
            "UNIQUE",
            spoilt(|change| change.new_columns.push(int(id + 1, "b", "Trace_Id"))),
        ),
        (
            "no live column",
            spoilt(|change| change.dropped_columns.push((Table::Logs, id))),
        ),
        (
            "is not live",
            spoilt(|change| change.removed_parts.push(live + 1)),
        ),
        (
            "is not live",
            spoilt(|change| change.removed_parts.extend([live, live])),
        ),
        (
            "more nulls than rows",
            spoilt(|change| change.new_parts.push(with_nulls)),
        ),
        ("can hold", spoilt(|change| change.new_parts.push(too_long))),
    ]
}

/// A change that is fine but for one thing; most of it is written before the failure shows.
fn spoilt(spoil: impl FnOnce(&mut Change)) -> Change {
    let mut change = Change {
        wal_position: Some(11),
        dropped_columns: vec![(Table::Spans, 1)],
        new_parts: vec![part(Table::Spans, "b.parquet")],
        ..Change::default()
    };
    spoil(&mut change);
    change
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing() {
    let lake = Lake::new().await;
    let id = next_id(&lake.catalogue.load().await.unwrap(), Table::Spans);
    let first = Change {
        wal_position: Some(10),
        new_columns: vec![(Table::Spans, column(id, "user", "user", ColumnType::Text))],
        new_parts: vec![part(Table::Spans, "a.parquet")],
        ..Change::default()
    };
    let live = lake.commit(&first).await.unwrap().part_ids[0];
    let before = format!("{:?}", lake.catalogue.load().await.unwrap());
    for (message, change) in spoilt_changes(id, live) {
        let error = lake.commit(&change).await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        let after = format!("{:?}", lake.catalogue.load().await.unwrap());
        assert_eq!(after, before, "after: {error}");
    }
    let committed = lake.commit(&spoilt(|_| ())).await.unwrap();
    assert_eq!(
        (committed.snapshot, committed.part_ids),
        (3, vec![live + 1]),
        "failures used no id"
    );
}

#[tokio::test]
async fn names_that_differ_beyond_ascii_case_may_coexist() {
    let lake = Lake::new().await;
    let id = next_id(&lake.catalogue.load().await.unwrap(), Table::Spans);
    let new_columns = ["Ключ", "ключ"].into_iter().zip(id..);
    let change = Change {
        new_columns: new_columns
            .map(|(name, id)| (Table::Spans, column(id, name, name, ColumnType::Int)))
            .collect(),
        ..Change::default()
    };
    assert!(lake.catalogue.commit(&change).await.is_ok());
}

#[tokio::test]
async fn a_catalogue_that_would_be_misread_is_refused() {
    for (change, message) in [
        (
            "UPDATE ducklake_metadata SET value = '1.1' WHERE key = 'version'",
            "has DuckLake version 1.1",
        ),
        (
            "DELETE FROM ducklake_metadata WHERE key = 'version'",
            "has DuckLake version none",
        ),
        (
            "UPDATE crawlspace_state SET value = '2' WHERE key = 'format_version'",
            "run a newer Crawlspace",
        ),
        (
            "UPDATE ducklake_snapshot_changes SET author = NULL WHERE snapshot_id = 1",
            "written by another program",
        ),
        (
            "DELETE FROM ducklake_snapshot_changes WHERE snapshot_id = 1",
            "written by another program",
        ),
        (
            "ALTER TABLE ducklake_metadata RENAME TO other",
            "no table `ducklake_metadata`",
        ),
        ("DELETE FROM crawlspace_state", "no rows returned"),
    ] {
        let lake = Lake::new().await;
        sql::<i64>(&lake.path(), &format!("{change}; SELECT 1")).await;
        let error = lake.reopen().await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_as_damaged() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("lake")).unwrap();
    std::fs::write(
        path_of(directory.path()),
        "these are notes, not a database\n".repeat(100),
    )
    .unwrap();
    let clock = Arc::new(SetClock(AtomicI64::new(START)));
    let error = open(directory.path(), Path::new("/data"), &clock)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_live_part_without_its_description_is_damage() {
    let lake = Lake::new().await;
    lake.add(vec![part(Table::Spans, "a.parquet")]).await;
    sql::<i64>(&lake.path(), "DELETE FROM crawlspace_part; SELECT 1").await;
    assert_eq!(
        lake.catalogue.load().await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}
