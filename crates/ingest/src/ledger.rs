//! The ledger: received = stored + deduplicated + sampled out + refused, for each key, signal and day. What is in the log
//! is counted with its rows, in one commit; the rest is entered here as it happens. Also keeps the last refusals.

mod posting;
mod refusals;
mod repeats;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crawlspace_lake::{Lake, Posting};
use crawlspace_model::account::{Account, Count, Line, Outcome, Reason, day_of};
use crawlspace_model::{Clock, Signal, UnixNanos};

use crate::Accepted;
pub(crate) use posting::{posting_of, posting_of_repeat};
use refusals::Refusals;
pub use refusals::{REFUSALS_MAX, Refused};
pub(crate) use repeats::{Claim, Found, Repeats, Twin, hash_of};

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    OtlpHttp,
    OtlpGrpc,
}

impl Door {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OtlpHttp => "OTLP/HTTP",
            Self::OtlpGrpc => "OTLP/gRPC",
        }
    }
}

/// Where a request came from: known before its body is read, so that refusals can say whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub door: Door,
    pub signal: Signal,
    /// The number of the key that it came with; 0 for none.
    pub key: u32,
    /// The program that sent it, in its own words; empty if it didn't say.
    pub user_agent: String,
}

/// The ledger, for reading.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Nothing was counted before.
    pub since: UnixNanos,
    pub account: Account,
    /// The last refusals of this run, newest first.
    pub refusals: Vec<Refused>,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    lake: Arc<Lake>,
    clock: Arc<dyn Clock>,
    refusals: Mutex<Refusals>,
}

impl Ledger {
    pub fn new(lake: Arc<Lake>, clock: Arc<dyn Clock>) -> Self {
        Self {
            lake,
            clock,
            refusals: Mutex::default(),
        }
    }

    /// A whole request was refused.
    pub fn refuse(&self, origin: &Origin, reason: Reason, message: &str) {
        let now = self.clock.now();
        let line = Line {
            day: day_of(now),
            key: origin.key,
            signal: origin.signal,
            outcome: Outcome::Refused(reason),
        };
        self.post(Account::of(line, Count::request(0)));
        self.refusals().add(origin, reason, message, now);
    }

    /// A request was read and nothing of it went to the log: it was empty, or all of its records were wrong.
    pub fn read_for_nothing(&self, origin: &Origin, accepted: &Accepted, received_at: UnixNanos) {
        let outcome = match accepted.rejected {
            0 => Outcome::Stored,
            _ => Outcome::Refused(Reason::InvalidRecord),
        };
        let line = Line {
            day: day_of(received_at),
            key: origin.key,
            signal: origin.signal,
            outcome,
        };
        self.post(Account::of(line, Count::request(accepted.rejected)));
    }

    /// Keeps why records of a request were refused, which are counted with the request.
    pub fn explain(&self, origin: &Origin, accepted: &Accepted) {
        if accepted.rejected > 0 {
            let message = format!(
                "{} of {} {} refused: {}",
                accepted.rejected,
                accepted.accepted + accepted.rejected,
                origin.signal.records(),
                accepted.messages.join("; ")
            );
            let now = self.clock.now();
            self.refusals()
                .add(origin, Reason::InvalidRecord, &message, now);
        }
    }

    pub fn statement(&self) -> Statement {
        Statement {
            since: self.lake.counted_since(),
            account: self.lake.account(),
            refusals: self.refusals().newest_first(),
        }
    }

    fn post(&self, account: Account) {
        self.lake.post(Posting {
            account,
            ..Posting::default()
        });
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
