//! What is the same for all that a team keeps together: each is a row of its table with a number and who made it, only
//! they may change it, and each change is in the audit trail.

use crawlspace_model::UnixNanos;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite, SqliteExecutor, Transaction, query, query_scalar};

use crate::database::{Change, Database};
use crate::{Author, Error, Stamp};

/// Something that is kept.
pub(crate) trait Kept: Sized {
    /// What it is called, one and many.
    const WHAT: &'static str;
    const MANY: &'static str;
    const TABLE: &'static str;
    /// There may be so many.
    const MAX: usize;

    fn read(row: &SqliteRow, database: &Database) -> Result<Self, Error>;
    fn number(&self) -> u32;
    fn stamp(&self) -> &Stamp;
    /// What the audit trail says of it.
    fn detail(&self) -> Value;
}

impl Database {
    pub(crate) async fn find<T: Kept>(&self, number: u32) -> Result<T, Error> {
        self.find_by(self.pool(), number).await
    }

    async fn find_by<T: Kept>(
        &self,
        connection: impl SqliteExecutor<'_>,
        number: u32,
    ) -> Result<T, Error> {
        let row = query(of::<T>("SELECT * FROM", "WHERE number = ?"))
            .bind(number)
            .fetch_optional(connection)
            .await
            .map_err(|source| self.error(source))?;
        let what = T::WHAT;
        T::read(&row.ok_or(Error::NoSuch { what, number })?, self)
    }

    /// A transaction in which there is room for one more.
    pub(crate) async fn begin_adding<T: Kept>(
        &self,
    ) -> Result<Transaction<'static, Sqlite>, Error> {
        let mut transaction = self.begin().await?;
        let count: i64 = query_scalar(of::<T>("SELECT count(*) FROM", ""))
            .fetch_one(&mut *transaction)
            .await
            .map_err(|source| self.error(source))?;
        let max = T::MAX;
        match usize::try_from(count).is_ok_and(|count| count >= max) {
            true => Err(Error::Full { what: T::MANY, max }),
            false => Ok(transaction),
        }
    }

    /// A transaction in which it is as it was, and the author's to change.
    pub(crate) async fn begin_changing<T: Kept>(
        &self,
        number: u32,
        author: &Author,
    ) -> Result<(Transaction<'static, Sqlite>, T), Error> {
        let mut transaction = self.begin().await?;
        let kept: T = self.find_by(&mut *transaction, number).await?;
        author.check(T::WHAT, number, kept.stamp())?;
        Ok((transaction, kept))
    }

    pub(crate) async fn delete<T: Kept>(
        &self,
        number: u32,
        author: &Author,
        now: UnixNanos,
    ) -> Result<T, Error> {
        let (mut transaction, kept) = self.begin_changing::<T>(number, author).await?;
        query(of::<T>("DELETE FROM", "WHERE number = ?"))
            .bind(number)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.error(source))?;
        self.end(transaction, author, "delete", &kept, now).await?;
        Ok(kept)
    }

    /// Writes the line of the audit trail, and commits.
    pub(crate) async fn end<T: Kept>(
        &self,
        mut transaction: Transaction<'static, Sqlite>,
        author: &Author,
        action: &'static str,
        kept: &T,
        now: UnixNanos,
    ) -> Result<(), Error> {
        let change = Change {
            actor: author.actor,
            action,
            subject: format!("{} {}", T::WHAT, kept.number()),
            detail: &kept.detail(),
        };
        self.record(&mut transaction, change, now).await?;
        self.commit(transaction).await
    }
}

/// SQL with the table's name in it, which is a word of ours.
fn of<T: Kept>(before: &str, behind: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("{before} {} {behind}", T::TABLE))
}
