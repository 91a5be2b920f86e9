//! Commits against what is loaded again, and the layout as another program sees it.

mod expiry;
mod posting;
mod refusal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use crawlspace_model::attribute::{Kind, Kinds};
use crawlspace_model::{Clock, Table, UnixNanos};
use proptest::prelude::{any, proptest};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, query_scalar};
use tempfile::TempDir;

use super::layout::{snapshot_time, table_id};
use super::{
    Catalogue as _, Change, Column, ColumnStats, ColumnType, Committed, Contents, Part, PartMeta,
    SqliteCatalogue, object_path, time_text,
};
use crate::Error;

const SECOND: i64 = 1_000_000_000;
/// 2026-11-22 20:40:09.
const START: i64 = 1_795_380_009 * SECOND;

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::Relaxed))
    }
}

struct Lake {
    directory: TempDir,
    clock: Arc<SetClock>,
    catalogue: SqliteCatalogue,
}

impl Lake {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(START)));
        let catalogue = open(directory.path(), &directory.path().join("data"), &clock)
            .await
            .unwrap();
        Self {
            directory,
            clock,
            catalogue,
        }
    }

    async fn reopen(&self) -> Result<SqliteCatalogue, Error> {
        open(
            self.directory.path(),
            &self.directory.path().join("data"),
            &self.clock,
        )
        .await
    }

    fn pass(&self, seconds: i64) -> UnixNanos {
        UnixNanos(self.clock.0.fetch_add(seconds * SECOND, Ordering::Relaxed) + seconds * SECOND)
    }

    fn path(&self) -> PathBuf {
        path_of(self.directory.path())
    }

    /// Commits nothing but parts.
    async fn add(&self, parts: Vec<PartMeta>) -> Vec<i64> {
        let change = Change {
            new_parts: parts,
            ..Change::default()
        };
        self.commit(&change).await.unwrap().part_ids
    }

    /// Commits parts whose objects were announced, as those of the lake are.
    async fn commit(&self, change: &Change) -> Result<Committed, Error> {
        for part in &change.new_parts {
            let path = object_path(part.table, &part.file_name);
            // Refused where an earlier attempt announced it.
            _ = self.catalogue.announce(&path).await;
        }
        self.catalogue.commit(change).await
    }

    async fn remove(&self, removed_parts: Vec<i64>) {
        self.catalogue
            .commit(&Change {
                removed_parts,
                ..Change::default()
            })
            .await
            .unwrap();
    }
}

fn path_of(directory: &Path) -> PathBuf {
    directory.join("lake/catalogue.sqlite")
}

async fn open(
    directory: &Path,
    data_path: &Path,
    clock: &Arc<SetClock>,
) -> Result<SqliteCatalogue, Error> {
    SqliteCatalogue::open(
        &path_of(directory),
        data_path,
        Arc::<SetClock>::clone(clock),
    )
    .await
}

/// Runs SQL on the file as another program would; answers the first value.
async fn sql<T>(path: &Path, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

fn part(table: Table, file_name: &str) -> PartMeta {
    PartMeta {
        table,
        file_name: file_name.to_owned(),
        rows: 1_500,
        size_bytes: 70_000,
        footer_bytes: 900,
        time_min: UnixNanos(-1),
        time_max: UnixNanos(i64::MAX),
        received_min: UnixNanos(START),
        received_max: UnixNanos(START + SECOND),
        columns: vec![1, 2, 40],
        overflow: BTreeMap::from([(
            "a \"key\"".to_owned(),
            Kinds::of(Kind::Int).union(Kinds::of(Kind::Bool)),
        )]),
        overflow_complete: true,
        weighted: true,
        checksums: [1, u32::MAX].into(),
        stats: vec![
            ColumnStats {
                column_id: 1,
                null_count: 0,
                bounds: Some((time_text(UnixNanos(-1)), "9".to_owned())),
            },
            ColumnStats {
                column_id: 40,
                null_count: 1_500,
                bounds: None,
            },
        ],
    }
}

fn column(id: i64, name: &str, stored_name: &str, column_type: ColumnType) -> Column {
    Column {
        id,
        name: name.to_owned(),
        stored_name: stored_name.to_owned(),
        column_type,
        nullable: true,
    }
}

fn next_id(contents: &Contents, table: Table) -> i64 {
    contents.tables[&table].next_column_id
}

#[tokio::test]
async fn a_new_catalogue_has_the_fixed_columns_and_no_parts() {
    let lake = Lake::new().await;
    let contents = lake.catalogue.load().await.unwrap();
    assert_eq!((contents.snapshot, contents.wal_position), (1, 0));
    assert_eq!(
        contents.tables.keys().copied().collect::<Vec<_>>(),
        Table::ALL
    );
    for (table, found) in contents.tables {
        let mut next = 1;
        for (fixed, column) in table.fixed_columns().iter().zip(&found.columns) {
            assert_eq!(
                (&*column.name, &*column.stored_name),
                (fixed.name, fixed.name)
            );
            assert_eq!((column.id, column.nullable), (next, fixed.nullable));
            assert_eq!(Some(column.column_type), ColumnType::of(&fixed.data_type));
            next += column.column_type.ids();
        }
        assert_eq!(found.columns.len(), table.fixed_columns().len());
        assert_eq!(found.next_column_id, next);
        assert!(found.parts.is_empty());
    }
}

#[tokio::test]
async fn what_is_committed_is_loaded_again_after_reopening() {
    let lake = Lake::new().await;
    let id = next_id(&lake.catalogue.load().await.unwrap(), Table::Logs);
    let columns = [
        column(id, "userId", "userId~2", ColumnType::Text),
        column(id + 1, "a\"b", "a\"b", ColumnType::Map),
        column(id + 4, "ключ", "ключ", ColumnType::UIntList),
        column(id + 6, "x", &"x".repeat(300), ColumnType::SpanId),
    ];
    let bare = PartMeta {
        overflow: BTreeMap::new(),
        overflow_complete: false,
        weighted: false,
        checksums: [].into(),
        stats: vec![],
        ..part(Table::Spans, "b.parquet")
    };
    let change = Change {
        wal_position: Some(u64::MAX),
        new_columns: columns
            .iter()
            .map(|column| (Table::Logs, column.clone()))
            .collect(),
        new_parts: vec![part(Table::Logs, "a.parquet"), bare],
        ..Change::default()
    };
    let committed = lake.commit(&change).await.unwrap();
    assert_eq!((committed.snapshot, committed.part_ids.len()), (2, 2));

    let contents = lake.reopen().await.unwrap().load().await.unwrap();
    assert_eq!((contents.snapshot, contents.wal_position), (2, u64::MAX));
    for (part_id, meta) in committed.part_ids.iter().zip(&change.new_parts) {
        let parts = &contents.tables[&meta.table].parts;
        assert_eq!(
            *parts,
            [Arc::new(Part {
                id: *part_id,
                meta: meta.clone()
            })]
        );
    }
    let attributes = &contents.tables[&Table::Logs].columns[Table::Logs.fixed_columns().len()..];
    assert_eq!(attributes, columns.map(Arc::new));
    assert_eq!(next_id(&contents, Table::Logs), id + 7);
}

#[tokio::test]
async fn a_removed_part_and_a_dropped_column_are_gone_and_their_ids_stay_used() {
    let lake = Lake::new().await;
    let id = next_id(&lake.catalogue.load().await.unwrap(), Table::Spans);
    let map = (Table::Spans, column(id, "user", "user", ColumnType::Map));
    let change = Change {
        new_columns: vec![map],
        new_parts: vec![part(Table::Spans, "a.parquet")],
        ..Change::default()
    };
    let old = lake.commit(&change).await.unwrap().part_ids;

    let again = column(id + 3, "user", "USER", ColumnType::Int);
    let change = Change {
        dropped_columns: vec![(Table::Spans, id)],
        new_columns: vec![(Table::Spans, again.clone())],
        new_parts: vec![part(Table::Spans, "b.parquet")],
        removed_parts: old.clone(),
        ..Change::default()
    };
    let new = lake.commit(&change).await.unwrap().part_ids;
    assert_ne!(new, old);
    let spans = lake
        .catalogue
        .load()
        .await
        .unwrap()
        .tables
        .remove(&Table::Spans)
        .unwrap();
    assert_eq!(spans.columns.last().unwrap().as_ref(), &again);
    assert_eq!(spans.columns.len(), Table::Spans.fixed_columns().len() + 1);
    assert_eq!(spans.next_column_id, id + 4);
    assert_eq!(
        spans.parts.iter().map(|part| part.id).collect::<Vec<_>>(),
        new
    );
    let rows: i64 = sql(
        &lake.path(),
        "SELECT sum(record_count) FROM ducklake_table_stats",
    )
    .await;
    assert_eq!(rows, 1_500, "of the live part alone");
    let row_ids: i64 = sql(
        &lake.path(),
        "SELECT count(DISTINCT row_id_start) FROM ducklake_data_file",
    )
    .await;
    assert_eq!(row_ids, 2);
    let versions: i64 = sql(
        &lake.path(),
        "SELECT max(schema_version) FROM ducklake_snapshot",
    )
    .await;
    assert_eq!(
        versions, 3,
        "one for the tables and one for each commit that changed columns"
    );
}

#[tokio::test]
async fn a_moved_data_directory_gets_its_new_place() {
    let lake = Lake::new().await;
    let place = "SELECT value FROM ducklake_metadata WHERE key = 'data_path'";
    let stored: String = sql(&lake.path(), place).await;
    assert_eq!(stored, format!("{}/data/", lake.directory.path().display()));
    open(
        lake.directory.path(),
        Path::new("/elsewhere/data/"),
        &lake.clock,
    )
    .await
    .unwrap();
    let stored: String = sql(&lake.path(), place).await;
    assert_eq!(stored, "/elsewhere/data/");
}

#[tokio::test]
async fn the_file_is_in_wal_mode_and_every_table_is_strict() {
    let lake = Lake::new().await;
    let mode: String = sql(&lake.path(), "PRAGMA journal_mode").await;
    assert_eq!(mode, "wal");
    let tables = "SELECT count(*) FROM pragma_table_list WHERE strict AND name GLOB 'ducklake_*'";
    assert_eq!(sql::<i64>(&lake.path(), tables).await, 28);
    let loose =
        "SELECT count(*) FROM pragma_table_list WHERE NOT strict AND name NOT GLOB 'sqlite_*'";
    assert_eq!(sql::<i64>(&lake.path(), loose).await, 0);
}

#[test]
fn times_are_written_in_utc_with_nine_digits() {
    assert_eq!(time_text(UnixNanos(0)), "1970-01-01 00:00:00.000000000");
    assert_eq!(time_text(UnixNanos(-1)), "1969-12-31 23:59:59.999999999");
    assert_eq!(
        time_text(UnixNanos(i64::MIN)),
        "1677-09-21 00:12:43.145224192"
    );
    assert_eq!(
        time_text(UnixNanos(i64::MAX)),
        "2262-04-11 23:47:16.854775807"
    );
    assert_eq!(
        snapshot_time(UnixNanos(START + 528_793_999)),
        "2026-11-22 20:40:09.528793+00"
    );
    assert_eq!(Table::ALL.map(table_id), [1, 2, 3, 4]);
}

proptest! {
    #[test]
    fn a_time_text_is_exact_and_sorts_as_the_time_does(a in any::<i64>(), b in any::<i64>()) {
        let (first, second) = (time_text(UnixNanos(a)), time_text(UnixNanos(b)));
        assert_eq!(string_to_timestamp_nanos(&first).unwrap(), a);
        assert_eq!(first.cmp(&second), a.cmp(&b));
    }
}
