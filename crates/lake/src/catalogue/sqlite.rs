//! The catalogue in one SQLite file: its connection, and the transactions around reads, commits and
//! expiry.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crawlspace_model::{Clock, UnixNanos};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction, query,
};

use super::failure::Failure;
use super::{Catalogue, Change, Committed, Contents, check, commit, expiry, opening, read};
use crate::Error;

/// How long a commit waits for another process to let go of the file.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(10);

/// What SQLite's journal is cut back to, once a long reader has let it grow.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// The catalogue of one data directory. DuckDB may attach the same file, `READ_ONLY`, at any time.
pub struct SqliteCatalogue {
    path: PathBuf,
    /// One connection: commits and reads take turns.
    pool: SqlitePool,
    clock: Arc<dyn Clock>,
}

/// Whether a connection is in no transaction, after what was asked of it before. Where the disk is full, SQLite ends one by
/// itself; sqlx then believes to be in it for ever, and begins no other: such a connection is closed, and the next is new.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

impl std::fmt::Debug for SqliteCatalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteCatalogue")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SqliteCatalogue {
    /// Opens the catalogue in the file `path`, making it if there is none. `data_path` is the
    /// absolute directory of the parts; the catalogue of a moved directory is brought up to date.
    ///
    /// # Errors
    /// When the file can't be opened, is damaged, was written by another program, or has a layout
    /// or a format version that this program does not know.
    pub async fn open(path: &Path, data_path: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            tokio::fs::create_dir_all(directory)
                .await
                .map_err(|source| Error::File {
                    what: format!("directory `{}`", directory.display()),
                    source,
                })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_WAIT_MAX)
            .pragma("journal_size_limit", JOURNAL_BYTES_MAX.to_string());
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_at_rest(connection)))
            .connect_with(options)
            .await
            .map_err(|source| Error::Catalogue {
                path: path.to_owned(),
                source,
            })?;
        let catalogue = Self {
            path: path.to_owned(),
            pool,
            clock,
        };
        catalogue
            .prepare(data_path)
            .await
            .map_err(|failure| catalogue.error(failure))?;
        Ok(catalogue)
    }

    async fn prepare(&self, data_path: &Path) -> Result<(), Failure> {
        let Some(data_path) = data_path
            .to_str()
            .map(|text| format!("{}/", text.trim_end_matches('/')))
        else {
            return Err(Failure::Refused(format!(
                "data path `{}` is not UTF-8",
                data_path.display()
            )));
        };
        let mut transaction = self.write_transaction().await?;
        opening::prepare(&mut transaction, &data_path, self.clock.now()).await?;
        Ok(transaction.commit().await?)
    }

    /// A transaction that holds the write lock from its start, so that what it reads stays true.
    async fn write_transaction(&self) -> Result<Transaction<'static, Sqlite>, Failure> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn write(&self, change: &Change) -> Result<Committed, Failure> {
        let mut transaction = self.write_transaction().await?;
        let committed = commit::write(&mut transaction, change, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(committed)
    }

    async fn read(&self) -> Result<Contents, Failure> {
        let mut transaction = self.pool.begin().await?;
        read::contents(&mut transaction).await
    }

    async fn named_objects(&self) -> Result<BTreeSet<String>, Failure> {
        let mut connection = self.pool.acquire().await?;
        read::objects(&mut connection).await
    }

    async fn expire_snapshots(&self, before: UnixNanos) -> Result<u64, Failure> {
        let mut transaction = self.write_transaction().await?;
        let forgotten = expiry::expire(&mut transaction, before, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(forgotten)
    }

    async fn announce_object(&self, path: &str) -> Result<(), Failure> {
        let mut transaction = self.write_transaction().await?;
        expiry::announce(&mut transaction, path, self.clock.now()).await?;
        Ok(transaction.commit().await?)
    }

    async fn give_up_objects(&self, before: UnixNanos) -> Result<Vec<String>, Failure> {
        let mut transaction = self.write_transaction().await?;
        let paths = expiry::give_up(&mut transaction, before, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(paths)
    }

    async fn scheduled_objects(&self, before: UnixNanos) -> Result<Vec<String>, Failure> {
        expiry::scheduled(&mut *self.pool.acquire().await?, before).await
    }

    async fn forget_objects(&self, paths: &[String]) -> Result<(), Failure> {
        let mut transaction = self.write_transaction().await?;
        expiry::forget(&mut transaction, paths).await?;
        Ok(transaction.commit().await?)
    }

    fn error(&self, failure: Failure) -> Error {
        let path = self.path.clone();
        match failure {
            Failure::Sql(source) => Error::Catalogue { path, source },
            Failure::Unknown(problem) => Error::CatalogueUnknown { path, problem },
            Failure::Refused(problem) => Error::CatalogueRefused { path, problem },
        }
    }
}

#[async_trait]
impl Catalogue for SqliteCatalogue {
    async fn load(&self) -> Result<Contents, Error> {
        self.read().await.map_err(|failure| self.error(failure))
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Error> {
        self.write(change)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn objects(&self) -> Result<BTreeSet<String>, Error> {
        self.named_objects()
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn expire(&self, before: UnixNanos) -> Result<u64, Error> {
        self.expire_snapshots(before)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn announce(&self, path: &str) -> Result<(), Error> {
        self.announce_object(path)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn give_up(&self, before: UnixNanos) -> Result<Vec<String>, Error> {
        self.give_up_objects(before)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn scheduled(&self, before: UnixNanos) -> Result<Vec<String>, Error> {
        self.scheduled_objects(before)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        let checked = async {
            let mut connection = self.pool.acquire().await?;
            check::check(&mut connection).await
        };
        checked.await.map_err(|failure| self.error(failure))
    }

    async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let copied = async {
            let mut connection = self.pool.acquire().await?;
            vacuum_into(&mut connection, path).await?;
            let mut copy = SqliteConnectOptions::new().filename(path).connect().await?;
            query("UPDATE ducklake_metadata SET value = '' WHERE key = 'data_path'")
                .execute(&mut copy)
                .await?;
            copy.close().await
        };
        copied
            .await
            .map_err(|source| self.error(Failure::Sql(source)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }

    async fn forget(&self, paths: &[String]) -> Result<(), Error> {
        self.forget_objects(paths)
            .await
            .map_err(|failure| self.error(failure))
    }
}

/// Copies a `SQLite` database that others may be using to a new file, as it is at one moment.
///
/// # Errors
/// It can't be read, or the file not be written.
pub async fn copy_database(from: &Path, to: &Path) -> Result<(), Error> {
    let options = SqliteConnectOptions::new()
        .filename(from)
        .read_only(true)
        .busy_timeout(BUSY_WAIT_MAX);
    let copied = async {
        let mut connection = options.connect().await?;
        vacuum_into(&mut connection, to).await?;
        connection.close().await
    };
    copied.await.map_err(|source| Error::Catalogue {
        path: from.to_owned(),
        source,
    })
}

async fn vacuum_into(connection: &mut SqliteConnection, path: &Path) -> Result<(), sqlx::Error> {
    query("VACUUM INTO ?")
        .bind(path.to_string_lossy().into_owned())
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crawlspace_model::SystemClock;

    use super::*;

    #[tokio::test]
    async fn a_transaction_that_sqlite_ends_for_a_full_disk_keeps_no_other_from_beginning() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("catalogue.sqlite");
        let catalogue = SqliteCatalogue::open(&path, home.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let mut transaction = catalogue.write_transaction().await.unwrap();
        query("PRAGMA max_page_count = 1")
            .execute(&mut *transaction)
            .await
            .unwrap();
        let mut filled = Ok(());
        for n in 0..1_000 {
            let text = "x".repeat(1_000);
            filled = expiry::announce(&mut transaction, &format!("{n}{text}"), UnixNanos(1)).await;
            if filled.is_err() {
                break;
            }
        }
        filled.unwrap_err();
        transaction.commit().await.unwrap_err();
        catalogue
            .write_transaction()
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
    }
}
