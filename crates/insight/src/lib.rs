//! What the data means: what is different about a selection, what talks to what, how one entity fares among all, what is
//! odd now. Reads through `query` only; every number comes with the question that gives it.

pub mod compare;
mod completeness;
pub mod entity;
mod error;
mod evidence;
mod map;
pub mod odd;
mod rows;
mod spans;
mod sql;
mod tails;
mod trees;
pub mod words;

use std::sync::Arc;

use crawlspace_query::Engine;
use map::Catalogue;

pub use completeness::{Completeness, Ledger, Refused, Sampled, Share, Verdict};
pub use error::Error;
pub use evidence::Evidence;
pub use map::{
    Change, Changed, Difference, Edge, EdgeKind, Figures, LeftOut, Map, MapRequest, Node, NodeKind,
    Vendor,
};
pub use trees::PlaceKind;

#[cfg(test)]
mod tests;

/// Answers questions about what the data means.
pub struct Insight {
    engine: Arc<Engine>,
    ledger: Option<Ledger>,
    catalogue: Catalogue,
    spans_max: usize,
    /// Who holds all spans of a time in memory has this.
    whole_spans: tokio::sync::Mutex<()>,
}

impl Insight {
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            ledger: None,
            catalogue: Catalogue::default(),
            spans_max: spans::SPANS_MAX,
            whole_spans: tokio::sync::Mutex::default(),
        }
    }

    /// With vendors that people know beside those that are well known.
    #[must_use]
    pub fn with_vendors(self, vendors: Vec<Vendor>) -> Self {
        Self {
            catalogue: Catalogue::new(vendors),
            ..self
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
