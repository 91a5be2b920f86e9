//! The account of an import: what was read, and what became of it.

use super::Signal;
use super::sender::Outcome;

#[derive(Debug, Default)]
pub struct Account {
    pub spans: u64,
    pub log_records: u64,
    pub data_points: u64,
    /// Records that the server did not take.
    pub refused: u64,
    /// Places in files that are no telemetry.
    pub unread: u64,
}

impl Account {
    pub fn read(&mut self, signal: Signal, records: u64) {
        *match signal {
            Signal::Traces => &mut self.spans,
            Signal::Logs => &mut self.log_records,
            Signal::Metrics => &mut self.data_points,
        } += records;
    }

    pub fn total(&self) -> u64 {
        self.spans + self.log_records + self.data_points
    }

    pub fn accepted(&self) -> u64 {
        self.total().saturating_sub(self.refused)
    }

    pub fn settle(&mut self, outcome: &Outcome, tell: &mut impl FnMut(String)) {
        self.refused += outcome.refused;
        if outcome.refused > 0 || !outcome.message.is_empty() {
            let Outcome {
                place,
                refused,
                message,
            } = outcome;
            tell(match refused {
                0 => format!("{place}: {message}"),
                _ => format!("{place}: {refused} refused: {message}"),
            });
        }
    }
}
