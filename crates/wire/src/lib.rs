//! Bytes to events: decompression, then one file per protocol and signal that fills the tables'
//! Arrow batches. Pure functions: the same bytes and receipt time give the same rows, so that the
//! log can be replayed.

pub mod batch;
pub mod body;
mod error;
pub mod otlp;

use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;

pub use error::Error;

/// What one request holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// At most one batch per table, none of them empty.
    pub batches: Vec<(Table, RecordBatch)>,
    /// The records (spans, log records, data points) of the request that have become rows.
    pub accepted: u64,
    /// The records that were refused, each alone.
    pub rejected: u64,
    /// Why records were refused or lost a part: one sentence per cause with its count and an
    /// example, at most 8.
    pub messages: Vec<String>,
    pub shortened: Shortened,
}

/// What was kept in part, for it was larger than the tables take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shortened {
    /// Values and lists that were cut and marked: [`batch::TEXT_BYTES_MAX`].
    pub texts: u64,
    /// Lists of attributes of which the first were kept: [`otlp::ATTRIBUTES_MAX`].
    pub attribute_lists: u64,
}
