//! Rows that are in the log but not yet in parts: batches per table, in log order, queryable as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{Float64Type, TimestampNanosecondType};
use crawlspace_disk::fault::{self, Defect};
use crawlspace_model::attribute::Kinds;
use crawlspace_model::{Table, UnixNanos};

use crate::conform::{merge, overflow_kinds};
use crate::error::Error;

/// Batches below this size are merged with their neighbours, so that many small requests make few batches. As many rows
/// as an SDK sends at a time are enough: to merge those, too, is a third of what their decoding costs.
const MERGE_ROWS_MAX: usize = 512;

/// A batch with what planning wants to know of it.
#[derive(Debug)]
pub struct MemoryBatch {
    pub rows: RecordBatch,
    /// Keys in the overflow column.
    pub overflow: BTreeMap<String, Kinds>,
    pub time_min: UnixNanos,
    pub time_max: UnixNanos,
    /// Whether some row's `sample_weight` is not 1.
    pub weighted: bool,
}

impl MemoryBatch {
    #[must_use]
    pub fn new(rows: RecordBatch) -> Self {
        let (time_min, time_max) = time_bounds(&rows, "time");
        Self {
            overflow: overflow_kinds(&rows),
            time_min,
            time_max,
            weighted: is_weighted(&rows),
            rows,
        }
    }
}

/// Whether some row's `sample_weight` is not 1.
fn is_weighted(rows: &RecordBatch) -> bool {
    rows.column_by_name("sample_weight").is_some_and(|column| {
        column
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .any(|weight| *weight != 1.0)
    })
}

/// The least and greatest value of a time column.
fn time_bounds(rows: &RecordBatch, column: &str) -> (UnixNanos, UnixNanos) {
    let times = rows
        .column_by_name(column)
        .map(|column| column.as_primitive::<TimestampNanosecondType>());
    let bounds = times.and_then(|times| Some((min(times)?, max(times)?)));
    bounds.map_or_else(Default::default, |(least, greatest)| {
        (UnixNanos(least), UnixNanos(greatest))
    })
}

/// The batches of one table.
#[derive(Debug, Default)]
pub struct Memory {
    batches: Vec<Arc<MemoryBatch>>,
    /// So many batches from the front are being written to a part and must stay as they are.
    held: usize,
    rows: u64,
    bytes: u64,
}

impl Memory {
    /// Adds rows at the end.
    ///
    /// # Errors
    /// Only for batches that are not of this table; the rows are not added then.
    pub fn push(&mut self, table: Table, rows: RecordBatch) -> Result<(), Error> {
        self.rows += rows.num_rows() as u64;
        self.bytes += rows.get_array_memory_size() as u64;
        let mut newest = rows;
        // Merging only a batch no larger than the new one copies each row a logarithmic number of times.
        while let Some(last) = self.batches[self.held..].last() {
            let (before, after) = (last.rows.num_rows(), newest.num_rows());
            if before > after || before + after > MERGE_ROWS_MAX {
                break;
            }
            newest = merge(table, &last.rows, &newest)?;
            self.batches.pop();
        }
        self.batches.push(Arc::new(MemoryBatch::new(newest)));
        Ok(())
    }

    #[must_use]
    pub fn batches(&self) -> &[Arc<MemoryBatch>] {
        &self.batches
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes that the batches took when they came in.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All batches of now; they stay until [`Self::release`].
    pub fn hold(&mut self) -> Vec<Arc<MemoryBatch>> {
        self.held = self.batches.len();
        self.batches.clone()
    }

    /// Ends a hold. The held batches go if they are in a part now.
    pub fn release(&mut self, is_written: bool) {
        if is_written && !fault::has(Defect::FlushDoubled) {
            self.batches.drain(..self.held);
            self.rows = self
                .batches
                .iter()
                .map(|batch| batch.rows.num_rows() as u64)
                .sum();
            self.bytes = self
                .batches
                .iter()
                .map(|batch| batch.rows.get_array_memory_size() as u64)
                .sum();
        }
        self.held = 0;
    }
}
