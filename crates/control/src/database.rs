//! `control.sqlite`: its file, its layout and its version, and the rows of keys in it.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crawlspace_model::UnixNanos;
use serde_json::Value;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction, query, query_scalar, raw_sql};

use crate::{Actor, Error, Key, Scope, WebOrigin};

/// Of the database's layout; in SQLite's `user_version`.
const FORMAT_VERSION: i64 = 1;
const OWNER_ONLY: u32 = 0o600;
/// How long a change waits for another process to let go of the file.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(10);

/// The open file. One connection: changes take turns.
pub(crate) struct Database {
    path: PathBuf,
    pool: SqlitePool,
}

impl Database {
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
        match (version, tables) {
            (FORMAT_VERSION, _) => return Ok(()),
            (0, 0) => {}
            (0, _) => return Err(self.unknown("is a database of something else")),
            _ => {
                return Err(self.unknown(format!(
                    "has format version {version}, and this program knows versions up to {FORMAT_VERSION}: \
                     run a newer Crawlspace"
                )));
            }
        }
        for sql in [include_str!("layout.sql"), "PRAGMA user_version = 1"] {
            raw_sql(sql)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.error(source))?;
        }
        self.commit(transaction).await
    }

    /// A transaction that holds the write lock from its start, so that what it reads stays true.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        let begun = self.pool.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(|source| self.error(source))
    }

    pub async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), Error> {
        let committed = transaction.commit().await;
        committed.map_err(|source| self.error(source))
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// All keys there ever were, with the hashes of their secrets.
    pub async fn keys(&self) -> Result<Vec<(Key, blake3::Hash)>, Error> {
        let rows = query(
            "SELECT number, name, scope, hash, origins, created_at, used_at, revoked_at FROM keys ORDER BY number",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.error(source))?;
        let keys = rows.iter().map(|row| {
            key(row)
                .map_err(|source| self.unknown(format!("holds a key that can't be read: {source}")))
        });
        keys.collect()
    }

    pub async fn next_number(&self, in_: &mut Transaction<'static, Sqlite>) -> Result<u32, Error> {
        query_scalar("SELECT coalesce(max(number), 0) + 1 FROM keys")
            .fetch_one(&mut **in_)
            .await
            .map_err(|source| self.error(source))
    }

    pub async fn insert(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        key: &Key,
        hash: blake3::Hash,
    ) -> Result<(), Error> {
        query("INSERT INTO keys (number, name, scope, hash, origins, created_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(key.number)
            .bind(&key.name)
            .bind(key.scope.name())
            .bind(hash.as_bytes().as_slice())
            .bind(origins_of(key).to_string())
            .bind(key.created_at.0)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }

    /// False when it was revoked before.
    pub async fn revoke(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        number: u32,
        at: UnixNanos,
    ) -> Result<bool, Error> {
        let done = query("UPDATE keys SET revoked_at = ? WHERE number = ? AND revoked_at IS NULL")
            .bind(at.0)
            .bind(number)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn note_use(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        number: u32,
        at: UnixNanos,
    ) -> Result<(), Error> {
        query("UPDATE keys SET used_at = ? WHERE number = ?")
            .bind(at.0)
            .bind(number)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }

    /// A line of the audit trail, in the transaction of the change that it is about.
    pub async fn record(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        (actor, action): (Actor, &'static str),
        key: &Key,
        at: UnixNanos,
    ) -> Result<(), Error> {
        let detail = serde_json::json!({
            "name": key.name, "scope": key.scope.name(), "origins": origins_of(key)
        });
        query("INSERT INTO changes (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)")
            .bind(at.0)
            .bind(actor.to_string())
            .bind(action)
            .bind(format!("key {}", key.number))
            .bind(detail.to_string())
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }

    fn error(&self, source: sqlx::Error) -> Error {
        Error::Database {
            path: self.path.clone(),
            source,
        }
    }

    fn unknown(&self, problem: impl Into<String>) -> Error {
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

fn origins_of(key: &Key) -> Value {
    key.origins.iter().map(WebOrigin::as_str).collect()
}

fn key(row: &SqliteRow) -> Result<(Key, blake3::Hash), Box<dyn std::error::Error + Send + Sync>> {
    let origins: Vec<String> = serde_json::from_str(row.try_get("origins")?)?;
    let key = Key {
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        scope: Scope::parse(row.try_get("scope")?)?,
        origins: origins
            .iter()
            .map(|text| WebOrigin::parse(text))
            .collect::<Result<_, _>>()?,
        created_at: UnixNanos(row.try_get("created_at")?),
        used_at: row.try_get::<Option<i64>, _>("used_at")?.map(UnixNanos),
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(UnixNanos),
    };
    let hash = blake3::Hash::from_slice(row.try_get("hash")?)?;
    Ok((key, hash))
}
