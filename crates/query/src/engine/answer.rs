//! An answer and what it rests on.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// Rows, and how far they can be trusted.
#[derive(Debug)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub footer: Footer,
}

/// The evidence behind an answer.
#[derive(Debug, Clone, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Footer {
    /// Rows given.
    pub rows: u64,
    /// Rows the query has found, where that is known: the newest events are not counted to the last.
    pub rows_found: Option<u64>,
    /// Whether fewer rows are given than were found.
    pub cut: bool,
    pub elapsed_ms: f64,
    /// Rows of the tables that had to be looked at, after pruning by time.
    pub rows_scanned: u64,
    /// Those of them that were in memory.
    pub rows_in_memory: u64,
    /// Parts that had to be looked at, after pruning by time.
    pub parts_scanned: u64,
    /// Bytes read from parts.
    pub bytes_scanned: u64,
    /// Events acknowledged up to this position of the log are in the answer.
    pub position: u64,
    /// When the newest event of the tables asked came in, in nanoseconds since 1970.
    pub newest_received_at: Option<String>,
    /// How long ago that was.
    pub newest_age_ms: Option<f64>,
    /// Whether some of the events stand for several (`sample_weight` is not 1). The query API weighs them; SQL has to
    /// name the column itself.
    pub sampled: bool,
    /// Parts that are damaged and set aside: their rows are missing.
    pub damaged_parts: u64,
    /// Groups in all, where only the largest have a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u64>,
    /// How far a percentile of histograms may be from that of the values themselves: the width of its bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentile_error_max: Option<f64>,
    /// The SQL that the query API's question became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}
