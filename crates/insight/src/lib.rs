//! What the data means: what is different about a selection, what talks to what, how one entity fares among all, what is
//! odd now. Reads through `query` only; every number comes with the question that gives it.

mod completeness;
pub mod entity;
mod error;
mod evidence;
pub mod odd;
mod period;
mod rows;
mod spans;
mod sql;
mod tails;
mod trees;
pub mod words;

use std::sync::Arc;

use crawlspace_query::Engine;

pub use completeness::{Completeness, Ledger, Refused, Sampled, Share, Verdict};
pub use error::Error;
pub use evidence::Evidence;
pub use trees::PlaceKind;

#[cfg(test)]
mod tests;

/// Answers questions about what the data means.
pub struct Insight {
    engine: Arc<Engine>,
    ledger: Option<Ledger>,
}

impl Insight {
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            ledger: None,
        }
    }

    /// With what completeness knows of refusals.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self {
            ledger: Some(ledger),
            ..self
        }
    }
}
