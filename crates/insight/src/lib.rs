//! What the data means: what is different about a selection, what talks to what, how one entity fares among all, what is
//! odd now. Reads through `query` only; every number comes with the question that gives it.

pub mod compare;
mod error;
mod evidence;
pub mod words;

use std::sync::Arc;

use crawlspace_query::Engine;

pub use error::Error;
pub use evidence::Evidence;

#[cfg(test)]
mod tests;

/// Answers questions about what the data means.
#[derive(Debug)]
pub struct Insight {
    engine: Arc<Engine>,
}

impl Insight {
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}
