//! What became of every request and record that reached a door: the lines of the ledger and their arithmetic.
//! Pure: who keeps them, and where, is `ingest`'s and `lake`'s matter.

use std::collections::BTreeMap;

use crate::{ErrorKind, Signal, UnixNanos};

const DAY_NANOS: i64 = 86_400_000_000_000;

/// Why something was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The body is no message of its protocol, or is damaged.
    Undecodable,
    TooLarge,
    /// Another content type or encoding than the door takes.
    Unsupported,
    /// A record among others was wrong by itself: ids, times, nesting.
    InvalidRecord,
    /// No key, or none that is known.
    Unauthorized,
    /// A key that may not do this.
    Forbidden,
    /// More than the key may send: the client will send again.
    OverLimit,
    /// Our own trouble: the client will send again.
    Unavailable,
}

impl Reason {
    pub const ALL: [Self; 8] = [
        Self::Undecodable,
        Self::TooLarge,
        Self::Unsupported,
        Self::InvalidRecord,
        Self::Unauthorized,
        Self::Forbidden,
        Self::OverLimit,
        Self::Unavailable,
    ];

    /// In answers and in the catalogue: a name never changes its meaning.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::InvalidRecord => "invalid_record",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::OverLimit => "over_limit",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the client was told to send the same again: nothing is lost by it, so it is counted apart.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::OverLimit | Self::Unavailable)
    }

    /// The reason behind a refusal of this kind.
    #[must_use]
    pub fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BadInput | ErrorKind::NotFound => Self::Undecodable,
            ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::Unavailable | ErrorKind::Corrupt | ErrorKind::Internal => Self::Unavailable,
        }
    }
}

/// What became of a request, or of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Stored,
    /// It repeats what is stored already.
    Deduplicated,
    /// Left out by a sampler; others stand for it.
    SampledOut,
    Refused(Reason),
}

impl Outcome {
    /// In the catalogue.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Deduplicated => "deduplicated",
            Self::SampledOut => "sampled_out",
            Self::Refused(reason) => reason.name(),
        }
    }

    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Stored, Self::Deduplicated, Self::SampledOut]
            .into_iter()
            .chain(Reason::ALL.map(Self::Refused))
            .find(|outcome| outcome.name() == name)
    }
}

/// What is counted apart: days are UTC, in days since 1970, and a key is its number, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    pub day: i32,
    pub key: u32,
    pub signal: Signal,
    pub outcome: Outcome,
}

/// The day of a point in time.
#[must_use]
pub fn day_of(time: UnixNanos) -> i32 {
    i32::try_from(time.0.div_euclid(DAY_NANOS)).expect("64 bits of nanoseconds are 106,752 days")
}

/// How much. Records (spans, log records, data points) are counted where a request could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub requests: u64,
    pub records: u64,
}

impl Count {
    #[must_use]
    pub const fn new(requests: u64, records: u64) -> Self {
        Self { requests, records }
    }

    /// A request, with its records.
    #[must_use]
    pub const fn request(records: u64) -> Self {
        Self::new(1, records)
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.records += other.records;
    }
}

/// Counts by line: a whole ledger, or what is to be added to one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account(BTreeMap<Line, Count>);

impl Account {
    #[must_use]
    pub fn of(line: Line, count: Count) -> Self {
        Self(BTreeMap::from([(line, count)]))
    }

    pub fn add(&mut self, line: Line, count: Count) {
        *self.0.entry(line).or_default() += count;
    }

    pub fn add_all(&mut self, other: &Self) {
        other
            .lines()
            .for_each(|(line, count)| self.add(line, count));
    }

    pub fn lines(&self) -> impl Iterator<Item = (Line, Count)> {
        self.0.iter().map(|(line, count)| (*line, *count))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lines counted together, by whatever `group` makes of each.
    #[must_use]
    pub fn counts<K: Ord>(&self, group: impl Fn(&Line) -> K) -> BTreeMap<K, Count> {
        let mut counts: BTreeMap<K, Count> = BTreeMap::new();
        for (line, count) in self.lines() {
            *counts.entry(group(&line)).or_default() += count;
        }
        counts
    }

    /// The same, with what is received and what became of it side by side.
    #[must_use]
    pub fn totals<K: Ord>(&self, group: impl Fn(&Line) -> K) -> BTreeMap<K, Total> {
        let mut totals: BTreeMap<K, Total> = BTreeMap::new();
        for (line, count) in self.lines() {
            totals
                .entry(group(&line))
                .or_default()
                .add(line.outcome, count);
        }
        totals
    }
}

/// One side of the identity `received = stored + deduplicated + sampled out + refused`, and the other. Temporary
/// refusals are in `deferred`: what they turned away was received when it came again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Total {
    pub received: Count,
    pub stored: Count,
    pub deduplicated: Count,
    pub sampled_out: Count,
    pub refused: BTreeMap<Reason, Count>,
    pub deferred: BTreeMap<Reason, Count>,
}

impl Total {
    fn add(&mut self, outcome: Outcome, count: Count) {
        let part = match outcome {
            Outcome::Stored => &mut self.stored,
            Outcome::Deduplicated => &mut self.deduplicated,
            Outcome::SampledOut => &mut self.sampled_out,
            Outcome::Refused(reason) if reason.is_temporary() => {
                *self.deferred.entry(reason).or_default() += count;
                return;
            }
            Outcome::Refused(reason) => self.refused.entry(reason).or_default(),
        };
        *part += count;
        self.received += count;
    }
}

#[cfg(test)]
mod tests;
