//! What of the spans that came was refused, from the ledger: it counts by day of receipt, so by the days of a period.

use std::sync::Arc;

use crawlspace_model::account::{Account, day_of};
use crawlspace_model::{Signal, UnixNanos};

use super::ratio;
use crate::spans::period::Period;

/// Gives the counts of everything that came, as they are now.
pub type Ledger = Arc<dyn Fn() -> Account + Send + Sync>;

/// Spans that were refused for good, of all that came in the days of the period (UTC). `GET /api/v1/ledger?by=day`
/// gives the numbers again, with the reasons.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Refused {
    pub count: u64,
    pub of: u64,
    /// From 0 to 1; 0 of nothing.
    pub share: f64,
    /// Whole requests that were refused: of those that could not be read, nobody knows how many spans they had.
    pub requests: u64,
}

impl Refused {
    pub(super) fn of(account: &Account, period: &Period) -> Self {
        let first = period.start.map_or(i32::MIN, day_of);
        let last = day_of(UnixNanos(period.end.0.saturating_sub(1)));
        let totals = account
            .totals(|line| line.signal == Signal::Traces && (first..=last).contains(&line.day));
        let total = totals.get(&true).cloned().unwrap_or_default();
        let refused = total.refused.values();
        let (count, of) = (
            refused.clone().map(|count| count.records).sum(),
            total.received.records,
        );
        Self {
            count,
            of,
            share: ratio(count, of),
            requests: refused.map(|count| count.requests).sum(),
        }
    }
}
