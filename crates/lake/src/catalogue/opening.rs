//! The catalogue's rows when it is opened: a new one is filled, one of another program or version
//! is refused, a moved one gets its new place.

use crawlspace_model::table::{FORMAT_VERSION, FixedColumn};
use crawlspace_model::{Table, UnixNanos};
use sqlx::{Row as _, SqliteConnection, query, query_scalar, raw_sql};
use uuid::Uuid;

use super::commit::Commit;
use super::failure::Failure;
use super::layout::{self, snapshot_time};
use super::{Column, ColumnType, expiry, posting};

/// Makes the catalogue ready for use. `data_path` ends in a slash.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    data_path: &str,
    now: UnixNanos,
) -> Result<(), Failure> {
    let tables: i64 = query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await?;
    if tables == 0 {
        create(connection, data_path, now).await?;
    } else {
        check(connection).await?;
        move_data(connection, data_path).await?;
    }
    expiry::prepare(connection).await?;
    posting::prepare(connection, now).await
}

/// Fills an empty file: snapshot 0 has the schema, snapshot 1 the tables with their fixed columns.
async fn create(
    connection: &mut SqliteConnection,
    data_path: &str,
    now: UnixNanos,
) -> Result<(), Failure> {
    raw_sql(layout::TABLES).execute(&mut *connection).await?;
    let created_by = format!("Crawlspace {}", env!("CARGO_PKG_VERSION"));
    for (key, value) in [
        ("version", layout::VERSION),
        ("created_by", &created_by),
        ("data_path", data_path),
        ("encrypted", "false"),
        // Else a DuckDB that writes here would put small inserts into tables of the catalogue.
        ("data_inlining_row_limit", "0"),
    ] {
        query("INSERT INTO ducklake_metadata VALUES (?, ?, NULL, NULL)")
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    for (key, value) in [
        ("format_version", FORMAT_VERSION.to_string()),
        ("wal_position", "0".to_owned()),
    ] {
        query("INSERT INTO crawlspace_state VALUES (?, ?)")
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    query("INSERT INTO ducklake_schema VALUES (0, ?, 0, NULL, 'main', ?, 1)")
        .bind(Uuid::new_v4().to_string())
        .bind(layout::SCHEMA_PATH)
        .execute(&mut *connection)
        .await?;
    query("INSERT INTO ducklake_snapshot VALUES (0, ?, 0, 1, 0)")
        .bind(snapshot_time(now))
        .execute(&mut *connection)
        .await?;
    query("INSERT INTO ducklake_snapshot_changes VALUES (0, ?, ?, NULL, NULL)")
        .bind("created_schema:\"main\"")
        .bind(layout::AUTHOR)
        .execute(&mut *connection)
        .await?;
    let mut commit = Commit::begin(connection).await?;
    for table in Table::ALL {
        commit.create_table(table).await?;
        for column in fixed_columns(table) {
            commit.add_column(table, &column).await?;
        }
    }
    commit.finish(now).await?;
    Ok(())
}

fn fixed_columns(table: Table) -> Vec<Column> {
    let mut id = 1;
    let column = |fixed: &FixedColumn| {
        let column_type = ColumnType::of(&fixed.data_type)
            .expect("every fixed column has a type of the catalogue");
        let name = fixed.name.to_owned();
        let column = Column {
            id,
            stored_name: name.clone(),
            name,
            column_type,
            nullable: fixed.nullable,
        };
        id += column_type.ids();
        column
    };
    table.fixed_columns().iter().map(column).collect()
}

/// Refuses a catalogue that this program would misread or spoil.
async fn check(connection: &mut SqliteConnection) -> Result<(), Failure> {
    let tables: i64 =
        query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'ducklake_metadata'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Err(Failure::Unknown(
            "is a database of something else: it has no table `ducklake_metadata`".into(),
        ));
    }
    let version: Option<String> =
        query_scalar("SELECT value FROM ducklake_metadata WHERE key = 'version'")
            .fetch_optional(&mut *connection)
            .await?;
    let version = version.unwrap_or_else(|| "none".into());
    if version != layout::VERSION {
        let known = layout::VERSION;
        let problem = format!(
            "has DuckLake version {version}, where only {known} is known: restore it from a backup"
        );
        return Err(Failure::Unknown(problem));
    }
    let newest = query(
        "SELECT snapshot_id, author
         FROM ducklake_snapshot LEFT JOIN ducklake_snapshot_changes USING (snapshot_id)
         ORDER BY snapshot_id DESC LIMIT 1",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (snapshot, author): (i64, Option<String>) = (newest.try_get(0)?, newest.try_get(1)?);
    if author.as_deref() != Some(layout::AUTHOR) {
        let problem = format!(
            "was last written by another program (snapshot {snapshot}): restore it from \
             a backup, and let other programs attach it READ_ONLY"
        );
        return Err(Failure::Unknown(problem));
    }
    check_format(connection).await
}

async fn check_format(connection: &mut SqliteConnection) -> Result<(), Failure> {
    let text: String =
        query_scalar("SELECT value FROM crawlspace_state WHERE key = 'format_version'")
            .fetch_one(connection)
            .await?;
    match text.parse::<u32>() {
        Ok(version) if version <= FORMAT_VERSION => Ok(()),
        _ => Err(Failure::Unknown(format!(
            "has format version {text}, and this program knows versions up to \
             {FORMAT_VERSION}: run a newer Crawlspace"
        ))),
    }
}

/// A data directory may be moved with its parts; parts in a bucket stay where they are.
async fn move_data(connection: &mut SqliteConnection, data_path: &str) -> Result<(), Failure> {
    let before: String =
        query_scalar("SELECT value FROM ducklake_metadata WHERE key = 'data_path'")
            .fetch_one(&mut *connection)
            .await?;
    if before == data_path {
        return Ok(());
    }
    let is_remote = |path: &str| path.contains("://");
    let parts: i64 = query_scalar("SELECT count(*) FROM ducklake_data_file")
        .fetch_one(&mut *connection)
        .await?;
    if parts > 0 && !before.is_empty() && (is_remote(&before) || is_remote(data_path)) {
        return Err(Failure::Unknown(format!(
            "has its parts in `{before}`, not in `{data_path}`: start with the --store they were written with, \
             or take a backup and restore it to the new place"
        )));
    }
    query("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'")
        .bind(data_path)
        .execute(connection)
        .await?;
    tracing::info!(
        data_path,
        "the data directory was moved; the catalogue now names its new place"
    );
    Ok(())
}
