//! What the books gain with a record of the log: the same when it comes in and when it is replayed.

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampNanosecondType;
use arrow::record_batch::RecordBatch;
use crawlspace_lake::{Posting, Seen};
use crawlspace_model::account::{Account, Count, Line, Outcome, Reason, day_of};
use crawlspace_model::{Signal, Table, UnixNanos};
use crawlspace_wal::Entry;
use crawlspace_wire::Decoded;

use super::repeats::Hash;

/// For a stored request. `hash` is its own, if repeated ones are to be recognised.
pub(crate) fn posting_of(
    signal: Signal,
    entry: &Entry,
    decoded: &Decoded,
    hash: Option<Hash>,
) -> Posting {
    let Decoded {
        batches,
        accepted,
        rejected,
        ..
    } = decoded;
    let number = |records: &u64| u32::try_from(*records).unwrap_or(u32::MAX);
    let seen = hash
        .filter(|_| is_distinct(batches, entry.received_at))
        .map(|hash| Seen {
            hash,
            received_at: UnixNanos(entry.received_at),
            accepted: number(accepted),
            rejected: number(rejected),
        });
    Posting {
        account: account_of(signal, entry, Outcome::Stored, *accepted, *rejected),
        seen: seen.into_iter().collect(),
    }
}

/// For one that repeats another.
pub(crate) fn posting_of_repeat(
    signal: Signal,
    entry: &Entry,
    accepted: u64,
    rejected: u64,
) -> Posting {
    Posting {
        account: account_of(signal, entry, Outcome::Deduplicated, accepted, rejected),
        ..Posting::default()
    }
}

fn account_of(
    signal: Signal,
    entry: &Entry,
    outcome: Outcome,
    accepted: u64,
    rejected: u64,
) -> Account {
    let line = |outcome| Line {
        day: day_of(UnixNanos(entry.received_at)),
        key: entry.key,
        signal,
        outcome,
    };
    let mut account = Account::of(line(outcome), Count::request(accepted));
    if rejected > 0 {
        let refused = Outcome::Refused(Reason::InvalidRecord);
        account.add(line(refused), Count::new(0, rejected));
    }
    account
}

/// Whether two requests like this can only be the same one: spans have ids, other records times. One that says neither
/// (a log record may) can be meant twice.
fn is_distinct(batches: &[(Table, RecordBatch)], received_at: i64) -> bool {
    let has_times = |rows: &RecordBatch| {
        let times = rows.column_by_name("time").map(|column| {
            let times = column.as_primitive::<TimestampNanosecondType>();
            times.values().iter().any(|time| *time != received_at)
        });
        times.unwrap_or_default()
    };
    batches
        .iter()
        .any(|(table, rows)| *table == Table::Spans || has_times(rows))
}
