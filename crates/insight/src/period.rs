//! The time that an answer is about, and how far around it parents and children are looked for: as the query API does.

use crawlspace_model::UnixNanos;
use crawlspace_query::{REACH_NANOS, Range, time_conditions};

use crate::Error;

/// From when until before when, as conditions of SQL and as ranges of scans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    pub start: Option<UnixNanos>,
    pub end: Option<UnixNanos>,
    now: UnixNanos,
}

impl Period {
    pub(crate) fn new(range: &Range, now: UnixNanos) -> Result<Self, Error> {
        let (start, end) = range.bounds(now)?;
        Ok(Self { start, end, now })
    }

    /// Which spans count.
    pub(crate) fn own(&self) -> String {
        all(time_conditions((self.start, self.end)))
    }

    /// Where related spans are looked for.
    pub(crate) fn window(&self) -> String {
        all(time_conditions((self.before(), self.after())))
    }

    pub(crate) fn range(&self) -> Range {
        Range::between(self.start, self.end)
    }

    /// The window without the period itself.
    pub(crate) fn around(&self) -> Vec<Range> {
        let before = self
            .start
            .map(|start| Range::between(self.before(), Some(start)));
        let after = self.end.map(|end| Range::between(Some(end), self.after()));
        before.into_iter().chain(after).collect()
    }

    /// What the period ends with where it does not say: now.
    pub(crate) fn until(&self) -> UnixNanos {
        self.end.unwrap_or(self.now)
    }

    /// How long it has been over, in nanoseconds.
    pub(crate) fn ended_since(&self) -> i64 {
        self.now.0.saturating_sub(self.until().0)
    }

    /// Its length, if it has a start.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let length = self.until().0.saturating_sub(self.start?.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds as a double")]
        Some(length.max(1) as f64 / 1e9)
    }

    fn before(&self) -> Option<UnixNanos> {
        self.start
            .map(|start| UnixNanos(start.0.saturating_sub(REACH_NANOS)))
    }

    fn after(&self) -> Option<UnixNanos> {
        self.end
            .map(|end| UnixNanos(end.0.saturating_add(REACH_NANOS)))
    }
}

fn all(conditions: Vec<String>) -> String {
    match conditions.is_empty() {
        true => "TRUE".to_owned(),
        false => conditions.join(" AND "),
    }
}
