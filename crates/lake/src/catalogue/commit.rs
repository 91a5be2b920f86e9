//! One commit: the rows that a snapshot adds to the catalogue and the rows it ends, within the
//! caller's transaction. Each step checks what it relies on; after a refusal the caller rolls back.

use std::collections::BTreeSet;

use crawlspace_model::{Table, UnixNanos};
use sqlx::{Row as _, SqliteConnection, query, query_scalar};
use uuid::Uuid;

use super::failure::Failure;
use super::layout::{AUTHOR, object_path, snapshot_time, table_id, type_names};
use super::{Change, Column, ColumnStats, Committed, PartMeta, posting};

/// A snapshot in the making. Ends with [`Commit::finish`].
pub(super) struct Commit<'c> {
    connection: &'c mut SqliteConnection,
    snapshot: i64,
    schema_version: i64,
    next_catalog_id: i64,
    next_file_id: i64,
    /// Tables whose columns changed.
    altered: BTreeSet<i64>,
    /// What DuckLake's `changes_made` is to say.
    changes: BTreeSet<String>,
}

/// Writes `change` as the next snapshot.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    change: &Change,
    now: UnixNanos,
) -> Result<Committed, Failure> {
    if let Some(position) = change.wal_position {
        advance_wal_position(connection, position).await?;
    }
    posting::write(connection, &change.posting, now).await?;
    let mut commit = Commit::begin(connection).await?;
    // Before new columns, so that a name is free again for them.
    for (table, column_id) in &change.dropped_columns {
        commit.drop_column(*table, *column_id).await?;
    }
    for (table, column) in &change.new_columns {
        commit.add_column(*table, column).await?;
        commit
            .changes
            .insert(format!("altered_table:{}", table_id(*table)));
    }
    for part_id in &change.removed_parts {
        commit.remove_part(*part_id).await?;
    }
    let mut part_ids = Vec::with_capacity(change.new_parts.len());
    for part in &change.new_parts {
        part_ids.push(commit.add_part(part).await?);
    }
    let snapshot = commit.finish(now).await?;
    Ok(Committed { snapshot, part_ids })
}

/// The position up to which rows are in parts.
pub(super) async fn wal_position(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    let text: String =
        query_scalar("SELECT value FROM crawlspace_state WHERE key = 'wal_position'")
            .fetch_one(connection)
            .await?;
    text.parse()
        .map_err(|_| Failure::Unknown(format!("has the log position `{text}`, which is no number")))
}

async fn advance_wal_position(
    connection: &mut SqliteConnection,
    position: u64,
) -> Result<(), Failure> {
    let current = wal_position(connection).await?;
    if position < current {
        return Err(Failure::Refused(format!(
            "log position {position} is before {current}"
        )));
    }
    query("UPDATE crawlspace_state SET value = ? WHERE key = 'wal_position'")
        .bind(position.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

impl<'c> Commit<'c> {
    /// Starts from the newest snapshot.
    pub async fn begin(connection: &'c mut SqliteConnection) -> Result<Self, Failure> {
        let newest = query(
            "SELECT snapshot_id, schema_version, next_catalog_id, next_file_id
             FROM ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1",
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(Self {
            connection,
            snapshot: newest.try_get::<i64, _>(0)? + 1,
            schema_version: newest.try_get(1)?,
            next_catalog_id: newest.try_get(2)?,
            next_file_id: newest.try_get(3)?,
            altered: BTreeSet::new(),
            changes: BTreeSet::new(),
        })
    }

    pub async fn create_table(&mut self, table: Table) -> Result<(), Failure> {
        let (id, name) = (table_id(table), table.name());
        if id != self.next_catalog_id {
            return Err(Failure::Refused(format!(
                "table `{name}` would not get id {id}"
            )));
        }
        self.next_catalog_id += 1;
        query("INSERT INTO ducklake_table VALUES (?, ?, ?, NULL, 0, ?, ?, 1)")
            .bind(id)
            .bind(Uuid::new_v4().to_string())
            .bind(self.snapshot)
            .bind(name)
            .bind(format!("{name}/"))
            .execute(&mut *self.connection)
            .await?;
        query("INSERT INTO ducklake_table_stats VALUES (?, 0, 0, 0)")
            .bind(id)
            .execute(&mut *self.connection)
            .await?;
        self.changes
            .insert(format!("created_table:\"main\".\"{name}\""));
        Ok(())
    }

    pub async fn add_column(&mut self, table: Table, column: &Column) -> Result<(), Failure> {
        let table_id = table_id(table);
        let next = next_column_id(self.connection, table_id).await?;
        if column.id != next {
            let problem = format!(
                "column `{}` has id {} where {next} is next",
                column.stored_name, column.id
            );
            return Err(Failure::Refused(problem));
        }
        let names = type_names(column.column_type);
        let default_kind = if names.children.is_empty() {
            "literal"
        } else {
            ""
        };
        let parent = ColumnRow {
            id: column.id,
            name: &column.stored_name,
            column_type: names.ducklake,
            nullable: column.nullable,
            parent: None,
            default_kind,
        };
        self.insert_column(table_id, &parent).await?;
        for (id, (name, column_type)) in (column.id + 1..).zip(names.children) {
            let parent = Some(column.id);
            let child = ColumnRow {
                id,
                name,
                column_type,
                nullable: true,
                parent,
                default_kind: "literal",
            };
            self.insert_column(table_id, &child).await?;
        }
        query("INSERT INTO crawlspace_column VALUES (?, ?, ?, ?)")
            .bind(table_id)
            .bind(column.id)
            .bind(&column.name)
            .bind(names.own)
            .execute(&mut *self.connection)
            .await?;
        self.altered.insert(table_id);
        Ok(())
    }

    async fn insert_column(&mut self, table_id: i64, row: &ColumnRow<'_>) -> Result<(), Failure> {
        query(
            "INSERT INTO ducklake_column
             VALUES (?1, ?2, NULL, ?3, ?1, ?4, ?5, NULL, 'NULL', ?6, ?7, ?8, 'duckdb')",
        )
        .bind(row.id)
        .bind(self.snapshot)
        .bind(table_id)
        .bind(row.name)
        .bind(row.column_type)
        .bind(row.nullable)
        .bind(row.parent)
        .bind(row.default_kind)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn drop_column(&mut self, table: Table, column_id: i64) -> Result<(), Failure> {
        let table_id = table_id(table);
        let forgotten = query("DELETE FROM crawlspace_column WHERE table_id = ? AND column_id = ?")
            .bind(table_id)
            .bind(column_id)
            .execute(&mut *self.connection)
            .await?;
        if forgotten.rows_affected() != 1 {
            return Err(Failure::Refused(format!(
                "table `{}` has no live column {column_id}",
                table.name()
            )));
        }
        query(
            "UPDATE ducklake_column SET end_snapshot = ?1
             WHERE table_id = ?2 AND (column_id = ?3 OR parent_column = ?3)
                 AND end_snapshot IS NULL",
        )
        .bind(self.snapshot)
        .bind(table_id)
        .bind(column_id)
        .execute(&mut *self.connection)
        .await?;
        self.altered.insert(table_id);
        self.changes.insert(format!("altered_table:{table_id}"));
        Ok(())
    }

    async fn remove_part(&mut self, part_id: i64) -> Result<(), Failure> {
        let ended = query(
            "UPDATE ducklake_data_file SET end_snapshot = ?
             WHERE data_file_id = ? AND end_snapshot IS NULL
             RETURNING table_id, record_count, file_size_bytes",
        )
        .bind(self.snapshot)
        .bind(part_id)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(part) = ended else {
            return Err(Failure::Refused(format!("part {part_id} is not live")));
        };
        let (table_id, rows, size_bytes): (i64, i64, i64) =
            (part.try_get(0)?, part.try_get(1)?, part.try_get(2)?);
        query(
            "UPDATE ducklake_table_stats
             SET record_count = record_count - ?, file_size_bytes = file_size_bytes - ?
             WHERE table_id = ?",
        )
        .bind(rows)
        .bind(size_bytes)
        .bind(table_id)
        .execute(&mut *self.connection)
        .await?;
        query("DELETE FROM crawlspace_part WHERE data_file_id = ?")
            .bind(part_id)
            .execute(&mut *self.connection)
            .await?;
        self.changes
            .insert(format!("deleted_from_table:{table_id}"));
        Ok(())
    }

    async fn add_part(&mut self, part: &PartMeta) -> Result<i64, Failure> {
        let id = self.next_file_id;
        self.next_file_id += 1;
        let table_id = table_id(part.table);
        self.take_announced(part).await?;
        let (rows, size_bytes) = (integer(part.rows)?, integer(part.size_bytes)?);
        // Row ids are never handed out twice, so compacted rows get new ones.
        let row_id_start: i64 = query_scalar(
            "UPDATE ducklake_table_stats
             SET record_count = record_count + ?1, next_row_id = next_row_id + ?1,
                 file_size_bytes = file_size_bytes + ?2
             WHERE table_id = ?3 RETURNING next_row_id - ?1",
        )
        .bind(rows)
        .bind(size_bytes)
        .bind(table_id)
        .fetch_one(&mut *self.connection)
        .await?;
        query(
            "INSERT INTO ducklake_data_file
             VALUES (?, ?, ?, NULL, NULL, ?, 1, 'parquet', ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
        )
        .bind(id)
        .bind(table_id)
        .bind(self.snapshot)
        .bind(&part.file_name)
        .bind(rows)
        .bind(size_bytes)
        .bind(integer(part.footer_bytes)?)
        .bind(row_id_start)
        .execute(&mut *self.connection)
        .await?;
        self.describe_part(id, part).await?;
        for stats in &part.stats {
            self.add_stats(id, part, stats).await?;
        }
        self.changes
            .insert(format!("inserted_into_table:{table_id}"));
        Ok(id)
    }

    /// Only an announced object can be committed: one that was given up may be gone at any time.
    async fn take_announced(&mut self, part: &PartMeta) -> Result<(), Failure> {
        let announced = query("DELETE FROM crawlspace_upload WHERE path = ?")
            .bind(object_path(part.table, &part.file_name))
            .execute(&mut *self.connection)
            .await?;
        if announced.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Failure::Refused(format!(
                "part `{}` was not announced, or was given up",
                part.file_name
            )))
        }
    }

    async fn describe_part(&mut self, id: i64, part: &PartMeta) -> Result<(), Failure> {
        query("INSERT INTO crawlspace_part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(id)
            .bind(part.time_min.0)
            .bind(part.time_max.0)
            .bind(part.received_min.0)
            .bind(part.received_max.0)
            .bind(
                serde_json::to_string(&part.columns)
                    .expect("a list of numbers always has a JSON form"),
            )
            .bind(
                serde_json::to_string(&part.overflow)
                    .expect("keys with numbers always have a JSON form"),
            )
            .bind(part.overflow_complete)
            .bind(part.weighted)
            .bind(
                part.checksums
                    .iter()
                    .flat_map(|sum| sum.to_le_bytes())
                    .collect::<Vec<u8>>(),
            )
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn add_stats(
        &mut self,
        part_id: i64,
        part: &PartMeta,
        stats: &ColumnStats,
    ) -> Result<(), Failure> {
        let Some(values) = part.rows.checked_sub(stats.null_count) else {
            let problem = format!(
                "part `{}` has more nulls than rows in column {}",
                part.file_name, stats.column_id
            );
            return Err(Failure::Refused(problem));
        };
        let (min, max) = stats.bounds.as_ref().map(|(min, max)| (min, max)).unzip();
        // Whether a column contains NaN is not known, so DuckDB does not prune by doubles.
        query(
            "INSERT INTO ducklake_file_column_stats VALUES (?, ?, ?, NULL, ?, ?, ?, ?, NULL, NULL)",
        )
        .bind(part_id)
        .bind(table_id(part.table))
        .bind(stats.column_id)
        .bind(integer(values)?)
        .bind(integer(stats.null_count)?)
        .bind(min)
        .bind(max)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Writes the snapshot itself; answers its id.
    pub async fn finish(mut self, now: UnixNanos) -> Result<i64, Failure> {
        self.schema_version += i64::from(!self.altered.is_empty());
        for table_id in &self.altered {
            query("INSERT INTO ducklake_schema_versions VALUES (?, ?, ?)")
                .bind(self.snapshot)
                .bind(self.schema_version)
                .bind(table_id)
                .execute(&mut *self.connection)
                .await?;
        }
        query("INSERT INTO ducklake_snapshot VALUES (?, ?, ?, ?, ?)")
            .bind(self.snapshot)
            .bind(snapshot_time(now))
            .bind(self.schema_version)
            .bind(self.next_catalog_id)
            .bind(self.next_file_id)
            .execute(&mut *self.connection)
            .await?;
        query("INSERT INTO ducklake_snapshot_changes VALUES (?, ?, ?, NULL, NULL)")
            .bind(self.snapshot)
            .bind(self.changes.into_iter().collect::<Vec<_>>().join(","))
            .bind(AUTHOR)
            .execute(&mut *self.connection)
            .await?;
        Ok(self.snapshot)
    }
}

/// A row of `ducklake_column`.
struct ColumnRow<'a> {
    id: i64,
    name: &'a str,
    column_type: &'a str,
    nullable: bool,
    parent: Option<i64>,
    default_kind: &'a str,
}

/// Counts dropped columns too: older parts still hold their ids.
async fn next_column_id(connection: &mut SqliteConnection, table_id: i64) -> Result<i64, Failure> {
    let next = query_scalar(
        "SELECT coalesce(max(column_id), 0) + 1 FROM ducklake_column WHERE table_id = ?",
    )
    .bind(table_id)
    .fetch_one(connection)
    .await?;
    Ok(next)
}

pub(super) fn integer(number: u64) -> Result<i64, Failure> {
    i64::try_from(number)
        .map_err(|_| Failure::Refused(format!("{number} is more than the catalogue can hold")))
}
