//! Reads the live state out of the catalogue, within the caller's transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crawlspace_model::{Table, UnixNanos};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, query, query_scalar};

use super::commit::wal_position;
use super::failure::Failure;
use super::layout::{table_of_id, type_of_name};
use super::{Column, ColumnStats, Contents, Part, PartMeta, TableContents, posting};

pub(super) async fn contents(connection: &mut SqliteConnection) -> Result<Contents, Failure> {
    let snapshot: i64 = query_scalar("SELECT max(snapshot_id) FROM ducklake_snapshot")
        .fetch_one(&mut *connection)
        .await?;
    let wal_position = wal_position(connection).await?;
    let books = posting::read(connection).await?;
    let mut tables = tables(connection).await?;
    columns(connection, &mut tables).await?;
    parts(connection, &mut tables).await?;
    Ok(Contents {
        snapshot,
        wal_position,
        tables,
        books,
    })
}

type Tables = BTreeMap<Table, TableContents>;

async fn tables(connection: &mut SqliteConnection) -> Result<Tables, Failure> {
    let mut tables = Tables::new();
    // Counts dropped columns too: older parts still hold their ids.
    let rows = query("SELECT table_id, max(column_id) + 1 FROM ducklake_column GROUP BY table_id");
    for row in rows.fetch_all(connection).await? {
        let contents = TableContents {
            next_column_id: row.try_get(1)?,
            ..TableContents::default()
        };
        tables.insert(table(&row)?, contents);
    }
    Ok(tables)
}

async fn columns(connection: &mut SqliteConnection, tables: &mut Tables) -> Result<(), Failure> {
    let rows = query(
        "SELECT table_id, column_id, column_name, nulls_allowed, own.name, own.column_type
         FROM ducklake_column LEFT JOIN crawlspace_column AS own USING (table_id, column_id)
         WHERE end_snapshot IS NULL AND parent_column IS NULL ORDER BY table_id, column_id",
    );
    for row in rows.fetch_all(connection).await? {
        let type_name: String = row.try_get(5)?;
        let column_type = type_of_name(&type_name).ok_or_else(|| {
            Failure::Unknown(format!("has a column of the unknown type `{type_name}`"))
        })?;
        let column = Column {
            id: row.try_get(1)?,
            name: row.try_get(4)?,
            stored_name: row.try_get(2)?,
            column_type,
            nullable: row.try_get(3)?,
        };
        tables
            .entry(table(&row)?)
            .or_default()
            .columns
            .push(Arc::new(column));
    }
    Ok(())
}

async fn parts(connection: &mut SqliteConnection, tables: &mut Tables) -> Result<(), Failure> {
    let mut stats = stats(connection).await?;
    let rows = query(
        "SELECT table_id, data_file_id, file.path, record_count, file_size_bytes, footer_size,
             time_min, time_max, received_min, received_max, own.columns, overflow,
             overflow_complete, weighted, checksums
         FROM ducklake_data_file AS file LEFT JOIN crawlspace_part AS own USING (data_file_id)
         WHERE end_snapshot IS NULL ORDER BY data_file_id",
    );
    for row in rows.fetch_all(connection).await? {
        let id = row.try_get(1)?;
        let meta = part_meta(&row, stats.remove(&id).unwrap_or_default())?;
        tables
            .entry(meta.table)
            .or_default()
            .parts
            .push(Arc::new(Part { id, meta }));
    }
    Ok(())
}

fn part_meta(row: &SqliteRow, stats: Vec<ColumnStats>) -> Result<PartMeta, Failure> {
    Ok(PartMeta {
        table: table(row)?,
        file_name: row.try_get(2)?,
        rows: number(row, 3)?,
        size_bytes: number(row, 4)?,
        footer_bytes: number(row, 5)?,
        time_min: UnixNanos(row.try_get(6)?),
        time_max: UnixNanos(row.try_get(7)?),
        received_min: UnixNanos(row.try_get(8)?),
        received_max: UnixNanos(row.try_get(9)?),
        columns: json(row.try_get(10)?)?,
        overflow: json(row.try_get(11)?)?,
        overflow_complete: row.try_get(12)?,
        weighted: row.try_get(13)?,
        checksums: checksums(row.try_get(14)?),
        stats,
    })
}

/// As they are stored: little-endian.
fn checksums(bytes: &[u8]) -> Arc<[u32]> {
    bytes
        .chunks_exact(4)
        .map(|sum| u32::from_le_bytes([sum[0], sum[1], sum[2], sum[3]]))
        .collect()
}

/// The paths below the data path of all objects that the catalogue still names.
pub(super) async fn objects(
    connection: &mut SqliteConnection,
) -> Result<BTreeSet<String>, Failure> {
    let paths = query_scalar(
        "SELECT home.path || place.path || file.path
         FROM ducklake_data_file AS file JOIN ducklake_table AS place USING (table_id)
             JOIN ducklake_schema AS home USING (schema_id)
         UNION SELECT path FROM ducklake_files_scheduled_for_deletion
         UNION SELECT path FROM crawlspace_upload",
    );
    Ok(paths.fetch_all(connection).await?.into_iter().collect())
}

/// By part, in the order they were given.
async fn stats(
    connection: &mut SqliteConnection,
) -> Result<HashMap<i64, Vec<ColumnStats>>, Failure> {
    let rows = query(
        "SELECT data_file_id, column_id, null_count, min_value, max_value
         FROM ducklake_data_file JOIN ducklake_file_column_stats AS stats USING (data_file_id)
         WHERE end_snapshot IS NULL ORDER BY stats.rowid",
    );
    let mut parts: HashMap<i64, Vec<ColumnStats>> = HashMap::new();
    for row in rows.fetch_all(connection).await? {
        let (min, max): (Option<String>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
        let stats = ColumnStats {
            column_id: row.try_get(1)?,
            null_count: number(&row, 2)?,
            bounds: min.zip(max),
        };
        parts.entry(row.try_get(0)?).or_default().push(stats);
    }
    Ok(parts)
}

/// Rows of every query here start with the table's id.
fn table(row: &SqliteRow) -> Result<Table, Failure> {
    let id: i64 = row.try_get(0)?;
    table_of_id(id).ok_or_else(|| Failure::Unknown(format!("has a table with the unknown id {id}")))
}

fn number(row: &SqliteRow, index: usize) -> Result<u64, Failure> {
    let number: i64 = row.try_get(index)?;
    u64::try_from(number).map_err(|_| Failure::Unknown(format!("has the count {number}")))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Unknown(format!("describes a part in bad JSON: {error}")))
}
