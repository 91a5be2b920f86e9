//! What is entered into the books with the rows it is about: counts by outcome, and the requests that were stored
//! lately, by which a repeated one is recognised. Two side tables.

use std::time::Duration;

use crawlspace_model::account::{Account, Count, Line, Outcome};
use crawlspace_model::{Signal, UnixNanos};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, query, query_scalar, raw_sql};

use super::commit::integer;
use super::failure::Failure;

/// How long a stored request is remembered: a client that got no answer has sent it again, or given up.
pub const SEEN_LIFE: Duration = Duration::from_secs(600);

/// Bytes of one request in `crawlspace_seen`: hash, receipt time, and the two counts, little-endian.
const SEEN_BYTES: usize = 32;

/// What the books gain. Adding it twice would count it twice: it goes with the commit that stores its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    pub seen: Vec<Seen>,
}

/// A stored request, as far as a repeated one has to be known by it and answered like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub hash: [u8; 16],
    pub received_at: UnixNanos,
    /// Its records that are stored, and those that were refused.
    pub accepted: u32,
    pub rejected: u32,
}

impl Posting {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.account.is_empty() && self.seen.is_empty()
    }

    pub fn add(&mut self, other: Self) {
        self.account.add_all(&other.account);
        self.seen.extend(other.seen);
    }
}

/// Everything in the books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    pub account: Account,
    /// Nothing was counted before.
    pub since: UnixNanos,
    /// Oldest first.
    pub seen: Vec<Seen>,
}

/// Makes the side tables where there are none yet.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    now: UnixNanos,
) -> Result<(), Failure> {
    raw_sql(include_str!("posting.sql"))
        .execute(&mut *connection)
        .await?;
    query("INSERT OR IGNORE INTO crawlspace_state VALUES ('counted_since', ?)")
        .bind(now.0.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    posting: &Posting,
    now: UnixNanos,
) -> Result<(), Failure> {
    for (line, count) in posting.account.lines() {
        query(
            "INSERT INTO crawlspace_account VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
                 records = records + excluded.records",
        )
        .bind(line.day)
        .bind(line.key)
        .bind(line.signal.name())
        .bind(line.outcome.name())
        .bind(integer(count.requests)?)
        .bind(integer(count.records)?)
        .execute(&mut *connection)
        .await?;
    }
    let newest = posting.seen.iter().map(|seen| seen.received_at).max();
    if let Some(newest) = newest {
        let requests: Vec<u8> = posting.seen.iter().flat_map(bytes_of).collect();
        query("INSERT INTO crawlspace_seen VALUES (?, ?)")
            .bind(newest.0)
            .bind(requests)
            .execute(&mut *connection)
            .await?;
    }
    query("DELETE FROM crawlspace_seen WHERE received_max < ?")
        .bind(forgotten_before(now).0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Books, Failure> {
    let mut books = Books::default();
    let since: String =
        query_scalar("SELECT value FROM crawlspace_state WHERE key = 'counted_since'")
            .fetch_one(&mut *connection)
            .await?;
    books.since = UnixNanos(
        since
            .parse()
            .map_err(|_| Failure::Unknown(format!("counts since `{since}`, which is no time")))?,
    );
    let lines =
        query("SELECT day, \"key\", signal, outcome, requests, records FROM crawlspace_account");
    for row in lines.fetch_all(&mut *connection).await? {
        let (line, count) = line_of(&row)?;
        books.account.add(line, count);
    }
    let seen = query_scalar("SELECT requests FROM crawlspace_seen ORDER BY received_max");
    for requests in seen.fetch_all(connection).await? {
        let requests: Vec<u8> = requests;
        let (requests, _) = requests.as_chunks();
        books.seen.extend(requests.iter().map(seen_of));
    }
    Ok(books)
}

fn line_of(row: &SqliteRow) -> Result<(Line, Count), Failure> {
    let (signal, outcome): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let unknown = || Failure::Unknown(format!("counts `{signal}` that were `{outcome}`"));
    let line = Line {
        day: row.try_get(0)?,
        key: row.try_get(1)?,
        signal: Signal::ALL
            .into_iter()
            .find(|known| known.name() == signal)
            .ok_or_else(unknown)?,
        outcome: Outcome::of_name(&outcome).ok_or_else(unknown)?,
    };
    let number = |index| -> Result<u64, Failure> {
        u64::try_from(row.try_get::<i64, _>(index)?).map_err(|_| unknown())
    };
    Ok((line, Count::new(number(4)?, number(5)?)))
}

pub(super) fn bytes_of(seen: &Seen) -> [u8; SEEN_BYTES] {
    let mut bytes = [0; SEEN_BYTES];
    bytes[..16].copy_from_slice(&seen.hash);
    bytes[16..24].copy_from_slice(&seen.received_at.0.to_le_bytes());
    bytes[24..28].copy_from_slice(&seen.accepted.to_le_bytes());
    bytes[28..].copy_from_slice(&seen.rejected.to_le_bytes());
    bytes
}

pub(super) fn seen_of(bytes: &[u8; SEEN_BYTES]) -> Seen {
    let number = |from: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
    Seen {
        hash: std::array::from_fn(|i| bytes[i]),
        received_at: UnixNanos(i64::from_le_bytes(std::array::from_fn(|i| bytes[16 + i]))),
        accepted: number(24),
        rejected: number(28),
    }
}

/// What was received before this need not be remembered at `now`.
fn forgotten_before(now: UnixNanos) -> UnixNanos {
    let life = i64::try_from(SEEN_LIFE.as_nanos()).unwrap_or(i64::MAX);
    UnixNanos(now.0.saturating_sub(life))
}
