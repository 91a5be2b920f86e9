//! Whether the catalogue holds what DuckLake and this program rely on.

use sqlx::{SqliteConnection, query_scalar};

use super::failure::Failure;

/// Findings of SQLite's own check that are told.
const PROBLEMS_MAX: usize = 20;

/// Each counts rows that must not be, and says what they are.
const RULES: [(&str, &str); 6] = [
    (
        "SELECT count(*) FROM ducklake_table_column_stats",
        "bounds of whole tables, by which DuckDB may leave out rows without a word",
    ),
    (
        "SELECT count(*) FROM ducklake_data_file LEFT JOIN crawlspace_part USING (data_file_id)
         WHERE end_snapshot IS NULL AND checksums IS NULL",
        "live parts that nothing more is known of, written by another program",
    ),
    (
        "SELECT count(*) FROM crawlspace_part LEFT JOIN ducklake_data_file AS file USING (data_file_id)
         WHERE file.data_file_id IS NULL OR end_snapshot IS NOT NULL",
        "descriptions of parts that are not live",
    ),
    (
        "SELECT count(*) FROM ducklake_column LEFT JOIN crawlspace_column AS own USING (table_id, column_id)
         WHERE end_snapshot IS NULL AND parent_column IS NULL AND own.name IS NULL",
        "live columns without a name of ours, made by another program",
    ),
    (
        "SELECT count(*) FROM ducklake_delete_file WHERE end_snapshot IS NULL",
        "deletions by another program, which this one does not read",
    ),
    (
        "SELECT count(*) FROM ducklake_inlined_data_tables",
        "tables with rows inside the catalogue, which this program does not read",
    ),
];

pub(super) async fn check(connection: &mut SqliteConnection) -> Result<Vec<String>, Failure> {
    let found: Vec<String> = query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut *connection)
        .await?;
    let mut problems: Vec<String> = found
        .into_iter()
        .filter(|line| line != "ok")
        .take(PROBLEMS_MAX)
        .map(|line| format!("SQLite finds: {line}"))
        .collect();
    for (sql, what) in RULES {
        let count: i64 = query_scalar(sql).fetch_one(&mut *connection).await?;
        if count > 0 {
            problems.push(format!("{count} {what}"));
        }
    }
    Ok(problems)
}
