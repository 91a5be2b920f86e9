//! Steps of time without events: rows for them, so that a series has a value at every step.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampNanosecondArray, UInt64Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{SchemaRef, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use crawlspace_model::UnixNanos;

use super::Fill;
use super::steps::Steps;
use crate::error::Error;

/// Rows of a filled answer.
const ROWS_MAX: usize = 1_000_000;

/// Where rows may be missing, and what stands there.
#[derive(Debug, Clone)]
pub(crate) struct Gaps {
    pub fill: Fill,
    pub steps: Steps,
    /// Where the answer does not reach so far, it ends with its own first or last step.
    pub start: Option<UnixNanos>,
    pub end: Option<UnixNanos>,
    /// Columns after the time that tell groups apart.
    pub keys: usize,
    pub is_descending: bool,
}

impl Gaps {
    /// The answer with a row for each step and group. Groups come in the order in which they are found first.
    pub(crate) fn fill(
        &self,
        schema: &SchemaRef,
        batches: &[RecordBatch],
    ) -> Result<RecordBatch, Error> {
        let answer = concat_batches(schema, batches).map_err(crawlspace_lake::Error::from)?;
        let times = answer.column(0).as_primitive::<TimestampNanosecondType>();
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for time in times.iter().flatten() {
            (first, last) = (first.min(time), last.max(time));
        }
        if let Some(start) = self.start {
            first = first.min(self.steps.start_of(start.0));
        }
        if let Some(end) = self.end {
            last = last.max(self.steps.start_of(end.0.saturating_sub(1)));
        }
        if first > last {
            return Ok(answer);
        }
        let (group_of_row, first_rows) = self.groups(&answer)?;
        let groups = first_rows.len();
        if groups == 0 {
            return Ok(answer);
        }
        let length = self.steps.nanos.unsigned_abs();
        let steps = (last.abs_diff(first) / length) as usize + 1;
        if steps > ROWS_MAX {
            return Err(Error::OverLimit {
                what: "the number of steps",
                limit: ROWS_MAX as u64,
                advice: "ask for a coarser `granularity` or a shorter range, or leave out `fill`",
            });
        }
        if steps.saturating_mul(groups) > ROWS_MAX {
            return Err(Error::OverLimit {
                what: "the number of steps and groups",
                limit: ROWS_MAX as u64,
                advice: "ask for a larger `granularity`, a shorter range or fewer groups, or leave out `fill`",
            });
        }
        let mut rows: Vec<Option<u64>> = vec![None; steps * groups];
        for (row, (time, group)) in times.iter().zip(group_of_row).enumerate() {
            let step = (time.unwrap_or(first).abs_diff(first) / length) as usize;
            rows[self.place(step, steps) * groups + group] = Some(row as u64);
        }
        let starts = (0..steps).flat_map(|at| {
            let step = self.place(at, steps);
            std::iter::repeat_n(first.saturating_add_unsigned(step as u64 * length), groups)
        });
        let starts = TimestampNanosecondArray::from_iter_values(starts);
        self.taken(&answer, starts, rows.into(), &first_rows, steps)
            .map_err(|error| crawlspace_lake::Error::from(error).into())
    }

    /// Where a step stands in the answer, and the other way round.
    fn place(&self, step: usize, steps: usize) -> usize {
        if self.is_descending {
            steps - 1 - step
        } else {
            step
        }
    }

    /// The group of each row, and the first row of each group. Without keys there is one group, be it without rows.
    fn groups(&self, answer: &RecordBatch) -> Result<(Vec<usize>, Vec<u64>), Error> {
        if self.keys == 0 {
            return Ok((vec![0; answer.num_rows()], vec![0]));
        }
        let keys = &answer.columns()[1..=self.keys];
        let fields = keys
            .iter()
            .map(|key| SortField::new(key.data_type().clone()));
        let rows = RowConverter::new(fields.collect())
            .and_then(|converter| converter.convert_columns(keys))
            .map_err(crawlspace_lake::Error::from)?;
        let mut numbers = HashMap::new();
        let mut first_rows = Vec::new();
        let mut group_of_row = Vec::with_capacity(answer.num_rows());
        for (at, row) in rows.iter().enumerate() {
            let number = *numbers.entry(row).or_insert_with(|| {
                first_rows.push(at as u64);
                first_rows.len() - 1
            });
            group_of_row.push(number);
        }
        Ok((group_of_row, first_rows))
    }

    fn taken(
        &self,
        answer: &RecordBatch,
        starts: TimestampNanosecondArray,
        rows: UInt64Array,
        first_rows: &[u64],
        steps: usize,
    ) -> Result<RecordBatch, ArrowError> {
        let keys = std::iter::repeat_n(first_rows, steps).flatten().copied();
        let keys = UInt64Array::from_iter_values(keys);
        let is_there = arrow::compute::is_not_null(&rows)?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(starts)];
        for (index, column) in answer.columns().iter().enumerate().skip(1) {
            if index <= self.keys {
                columns.push(take(column, &keys, None)?);
                continue;
            }
            let values = take(column, &rows, None)?;
            let is_number = column.data_type().is_numeric();
            columns.push(if self.fill == Fill::Zero && is_number {
                let zero = cast(&Int64Array::from(vec![0]), column.data_type())?;
                zip(&is_there, &values, &arrow::array::Scalar::new(zero))?
            } else {
                values
            });
        }
        let fields = answer.schema();
        let fields = fields
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        let schema = arrow::datatypes::Schema::new(fields.collect::<Vec<_>>());
        RecordBatch::try_new(Arc::new(schema), columns)
    }
}
