//! What leaves the catalogue: snapshots that have lived, objects that nobody needs, and those that were begun but never
//! committed. Within the caller's transaction.

use crawlspace_model::UnixNanos;
use sqlx::{SqliteConnection, query, query_scalar};

use super::failure::Failure;
use super::layout::snapshot_time;

/// Objects that are being written; each row goes with the commit that names its object.
const UPLOADS: &str = "CREATE TABLE IF NOT EXISTS crawlspace_upload (
    path TEXT PRIMARY KEY, announced INTEGER NOT NULL) STRICT";

/// Makes the side table where there is none yet.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<(), Failure> {
    query(UPLOADS).execute(connection).await?;
    Ok(())
}

/// Forgets snapshots older than `before`; answers how many. They go oldest first and without gaps, so a part that ended
/// at or before the oldest one left is used by none.
pub(super) async fn expire(
    connection: &mut SqliteConnection,
    before: UnixNanos,
    now: UnixNanos,
) -> Result<u64, Failure> {
    let oldest_left: i64 = query_scalar(
        "SELECT min(snapshot_id) FROM ducklake_snapshot
         WHERE snapshot_time >= ?
             OR snapshot_id = (SELECT max(snapshot_id) FROM ducklake_snapshot)",
    )
    .bind(snapshot_time(before))
    .fetch_one(&mut *connection)
    .await?;
    query(
        "INSERT INTO ducklake_files_scheduled_for_deletion
         SELECT data_file_id, home.path || place.path || file.path, 1, ?
         FROM ducklake_data_file AS file JOIN ducklake_table AS place USING (table_id)
             JOIN ducklake_schema AS home USING (schema_id)
         WHERE file.end_snapshot <= ?",
    )
    .bind(snapshot_time(now))
    .bind(oldest_left)
    .execute(&mut *connection)
    .await?;
    let mut forgotten = 0;
    for sql in [
        "DELETE FROM ducklake_file_column_stats WHERE data_file_id IN
             (SELECT data_file_id FROM ducklake_data_file WHERE end_snapshot <= ?)",
        "DELETE FROM ducklake_data_file WHERE end_snapshot <= ?",
        // The greatest id stays, for it says which is the next.
        "DELETE FROM ducklake_column AS old WHERE end_snapshot <= ? AND column_id <
             (SELECT max(column_id) FROM ducklake_column WHERE table_id = old.table_id)",
        "DELETE FROM ducklake_schema_versions AS old WHERE begin_snapshot <
             (SELECT max(begin_snapshot) FROM ducklake_schema_versions
              WHERE table_id = old.table_id AND begin_snapshot <= ?)",
        "DELETE FROM ducklake_snapshot_changes WHERE snapshot_id < ?",
        "DELETE FROM ducklake_snapshot WHERE snapshot_id < ?",
    ] {
        forgotten = query(sql)
            .bind(oldest_left)
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(forgotten)
}

/// Notes an object that is about to be written.
pub(super) async fn announce(
    connection: &mut SqliteConnection,
    path: &str,
    now: UnixNanos,
) -> Result<(), Failure> {
    query("INSERT INTO crawlspace_upload VALUES (?, ?)")
        .bind(path)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Schedules the objects that were announced before that time for deletion; answers their paths.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    before: UnixNanos,
    now: UnixNanos,
) -> Result<Vec<String>, Failure> {
    let paths: Vec<String> =
        query_scalar("DELETE FROM crawlspace_upload WHERE announced < ? RETURNING path")
            .bind(before.0)
            .fetch_all(&mut *connection)
            .await?;
    for path in &paths {
        query("INSERT INTO ducklake_files_scheduled_for_deletion VALUES (NULL, ?, 1, ?)")
            .bind(path)
            .bind(snapshot_time(now))
            .execute(&mut *connection)
            .await?;
    }
    Ok(paths)
}

/// The objects scheduled for deletion before that time.
pub(super) async fn scheduled(
    connection: &mut SqliteConnection,
    before: UnixNanos,
) -> Result<Vec<String>, Failure> {
    let paths = query_scalar(
        "SELECT path FROM ducklake_files_scheduled_for_deletion WHERE schedule_start < ? ORDER BY path",
    );
    Ok(paths
        .bind(snapshot_time(before))
        .fetch_all(connection)
        .await?)
}

/// Strikes deleted objects off the schedule.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    paths: &[String],
) -> Result<(), Failure> {
    for path in paths {
        query("DELETE FROM ducklake_files_scheduled_for_deletion WHERE path = ?")
            .bind(path)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
