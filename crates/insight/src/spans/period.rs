//! The time that an answer is about, and how far around it parents and children are looked for: as the query API does.

use crawlspace_model::UnixNanos;
use crawlspace_query::{REACH_NANOS, Range, time_conditions};

use crate::Error;

/// From when until before when, as conditions of SQL and as ranges of scans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    pub start: Option<UnixNanos>,
    pub end: UnixNanos,
    now: UnixNanos,
}

impl Period {
    pub(crate) fn new(range: &Range, now: UnixNanos) -> Result<Self, Error> {
        let (start, end) = range.bounds(now)?;
        // Up to now, so that the questions behind the numbers do not find what begins later.
        let end = end.unwrap_or(now);
        Ok(Self { start, end, now })
    }

    /// Which spans count.
    pub(crate) fn own(&self) -> String {
        time_conditions((self.start, Some(self.end))).join(" AND ")
    }

    /// Where related spans are looked for.
    pub(crate) fn window(&self) -> String {
        time_conditions((self.before(), Some(self.after()))).join(" AND ")
    }

    pub(crate) fn range(&self) -> Range {
        Range::between(self.start, Some(self.end))
    }

    /// The window without the period itself.
    pub(crate) fn around(&self) -> Vec<Range> {
        let before = self
            .start
            .map(|start| Range::between(self.before(), Some(start)));
        let after = Range::between(Some(self.end), Some(self.after()));
        before.into_iter().chain([after]).collect()
    }

    /// How long it has been over, in nanoseconds.
    pub(crate) fn ended_since(&self) -> i64 {
        self.now.0.saturating_sub(self.end.0)
    }

    /// Its length, if it has a start.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let length = self.end.0.saturating_sub(self.start?.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds as a double")]
        Some(length.max(1) as f64 / 1e9)
    }

    fn before(&self) -> Option<UnixNanos> {
        self.start
            .map(|start| UnixNanos(start.0.saturating_sub(REACH_NANOS)))
    }

    fn after(&self) -> UnixNanos {
        UnixNanos(self.end.0.saturating_add(REACH_NANOS))
    }
}
