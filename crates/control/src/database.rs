//! `control.sqlite`: its file, its layout and its version. What is in its tables is with those whose rows they are.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crawlspace_model::UnixNanos;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction, query,
    query_scalar, raw_sql,
};

use crate::{Actor, Error};

/// The steps from nothing to today's layout. So many as were taken are the layout's version, in SQLite's `user_version`.
const LAYOUT: [&str; 2] = [include_str!("layout/1.sql"), include_str!("layout/2.sql")];
const OWNER_ONLY: u32 = 0o600;
/// How long a change waits for another process to let go of the file.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(10);

/// The open file. One connection, also among clones: changes take turns.
#[derive(Debug, Clone)]
pub struct Database {
    path: PathBuf,
    pool: SqlitePool,
}

/// Who did what to what, for the audit trail.
pub(crate) struct Change<'a> {
    pub actor: Actor,
    pub action: &'static str,
    pub subject: String,
    pub detail: &'a Value,
}

/// Whether a connection is in no transaction, after what was asked of it before. Where the disk is full, SQLite ends one by
/// itself; sqlx then believes to be in it for ever, and begins no other: such a connection is closed, and the next is new.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

impl Database {
    /// Opens the file, making it if there is none, and brings an older layout to today's.
    ///
    /// # Errors
    /// When the file can't be opened, is of something else, or of a version that this program does not know.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        // Before SQLite opens it: its own side files take the mode of this one.
        keep_from_others(path).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_WAIT_MAX);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_at_rest(connection)))
            .connect_with(options)
            .await
            .map_err(|source| Error::Database {
                path: path.to_owned(),
                source,
            })?;
        let database = Self {
            path: path.to_owned(),
            pool,
        };
        database.prepare().await?;
        Ok(database)
    }

    async fn prepare(&self) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let version: i64 = query_scalar("PRAGMA user_version")
            .fetch_one(&mut *transaction)
            .await
            .map_err(|source| self.error(source))?;
        let tables: i64 = query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *transaction)
            .await
            .map_err(|source| self.error(source))?;
        let taken = usize::try_from(version).unwrap_or(usize::MAX);
        let steps = match LAYOUT.get(taken..) {
            Some(_) if taken == 0 && tables > 0 => {
                return Err(self.unknown("is a database of something else"));
            }
            Some(steps) => steps,
            None => {
                return Err(self.unknown(format!(
                    "has format version {version}, and this program knows versions up to {}: run a newer Crawlspace",
                    LAYOUT.len()
                )));
            }
        };
        if steps.is_empty() {
            return Ok(());
        }
        // All steps and the version are one transaction: a step that fails leaves the file as it was.
        let version = format!("PRAGMA user_version = {}", LAYOUT.len());
        for sql in steps.iter().copied().chain([version.as_str()]) {
            raw_sql(AssertSqlSafe(sql))
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.error(source))?;
        }
        self.commit(transaction).await
    }

    /// A transaction that holds the write lock from its start, so that what it reads stays true.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        let begun = self.pool.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(|source| self.error(source))
    }

    pub(crate) async fn commit(
        &self,
        transaction: Transaction<'static, Sqlite>,
    ) -> Result<(), Error> {
        let committed = transaction.commit().await;
        committed.map_err(|source| self.error(source))
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// A line of the audit trail, in the transaction of the change that it is about.
    pub(crate) async fn record(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        change: Change<'_>,
        at: UnixNanos,
    ) -> Result<(), Error> {
        query("INSERT INTO changes (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)")
            .bind(at.0)
            .bind(change.actor.to_string())
            .bind(change.action)
            .bind(change.subject)
            .bind(change.detail.to_string())
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }

    pub(crate) fn error(&self, source: sqlx::Error) -> Error {
        Error::Database {
            path: self.path.clone(),
            source,
        }
    }

    pub(crate) fn unknown(&self, problem: impl Into<String>) -> Error {
        Error::Unknown {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

/// Makes the file its owner's alone, and makes it if there is none.
///
/// # Errors
/// It can't be made, or is somebody else's.
pub fn keep_from_others(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .append(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(OWNER_ONLY))
}

#[cfg(test)]
mod tests;
