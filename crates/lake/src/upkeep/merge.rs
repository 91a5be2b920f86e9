//! The rows of several parts in their order. Of each part a stretch of rows is in memory, whatever the size of its row
//! groups; a text is a code from its page to the part that is written.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, new_null_array};
use arrow::datatypes::{Field, Int32Type, Schema, SchemaRef};
use arrow::row::Rows;
use crawlspace_model::Table;
use parquet::errors::ParquetError;

use crate::catalogue::{Column, Part, PartMeta};
use crate::columns::memory_target;
use crate::error::Error;
use crate::lake::Lake;
use crate::part::{GROUP_ROWS, RowOrder, is_text};
use crate::scan::{PartGroups, StoredChunk};

/// Rows that are given at a time.
const ROWS_MAX: usize = 16_384;
/// Rows of a part that are read at a time: as many as fit, and no part of a page, mostly.
pub(super) const STRETCHES: [usize; 3] = [16_384, 8_192, STRETCH_ROWS_MIN];
pub(super) const STRETCH_ROWS_MIN: usize = 4_096;
/// Fewer where rows are so large that those would take more.
const STRETCH_BYTES: usize = 64 << 20;
/// What a value takes in memory, as a number or a code …
const VALUE_BYTES: u64 = 8;
/// … and how much larger texts are than their part.
const TEXT_RATIO: u64 = 4;
/// What the dictionaries of a row group take in memory is its size by that.
const DICTIONARY_SHARES: u64 = 2;

pub(super) struct Merge {
    /// Of batches: the columns as memory holds them.
    schema: SchemaRef,
    columns: Vec<Arc<Column>>,
    order: RowOrder,
    inputs: Vec<Input>,
    /// Rows of an input that are read at a time.
    stretch: usize,
    /// Of each input the stretch that is being read.
    batches: Vec<RecordBatch>,
}

struct Input {
    part: PartGroups,
    /// Where the next stretch begins: a row group, and a row in it.
    next: (usize, usize),
    /// Of each column the texts of the row group that is being read, where all its codes stand for these.
    dictionaries: Vec<Option<ArrayRef>>,
    /// Of the rows of its batch.
    keys: Rows,
    /// The first row that was not given yet.
    row: usize,
}

impl Input {
    fn is_empty(&self) -> bool {
        self.row == self.keys.num_rows()
    }

    fn has_more(&self) -> bool {
        self.next.0 < self.part.count()
    }

    /// The rows of the next stretch, and their row group.
    fn advance(&mut self, stretch: usize) -> (usize, Range<usize>) {
        let (group, start) = self.next;
        let rows = self.part.rows_of(group);
        let fitting = fitting_rows(rows, self.part.bytes_of(group));
        let end = rows.min(start + fitting.min(stretch));
        self.next = if end == rows {
            (group + 1, 0)
        } else {
            (group, end)
        };
        if start == 0 {
            self.dictionaries.fill(None);
        }
        (group, start..end)
    }

    /// The next stretch with all columns.
    async fn read(
        &mut self,
        stretch: usize,
        columns: &[Arc<Column>],
        schema: &SchemaRef,
    ) -> Result<RecordBatch, Error> {
        let (group, rows) = self.advance(stretch);
        let (part, dictionaries) = (&self.part, &mut self.dictionaries);
        let count = rows.len();
        let others = part.rows(group, std::slice::from_ref(&rows)).await?;
        let texts = columns.iter().zip(schema.fields()).zip(&*dictionaries);
        let texts = texts.filter(|((_, field), _)| is_text(field));
        let texts = texts.map(|((column, _), known)| (column.as_ref(), known.is_some()));
        let texts = part.stretch(group, texts, &rows).await?;
        let (mut texts, mut others) = (texts.into_iter(), others.columns().iter());
        let fields = schema.fields().iter().zip(dictionaries);
        let arrays = fields.map(|(field, dictionary)| -> Result<ArrayRef, Error> {
            let found = match is_text(field) {
                true => texts.next().flatten().map(|(stored, before)| {
                    let texts = texts_of(&stored, dictionary);
                    let texts = texts.map_err(|source| part.error(source))?;
                    Ok(Arc::new(texts.slice(before, count)) as ArrayRef)
                }),
                false => others.next().cloned().map(Ok),
            };
            found.unwrap_or_else(|| Ok(new_null_array(field.data_type(), count)))
        });
        let arrays = arrays.collect::<Result<_, _>>()?;
        Ok(RecordBatch::try_new(Arc::clone(schema), arrays)?)
    }
}

/// Texts of a column; its dictionary is kept if they need no others.
fn texts_of(
    stored: &StoredChunk,
    dictionary: &mut Option<ArrayRef>,
) -> Result<DictionaryArray<Int32Type>, ParquetError> {
    let (texts, is_dictionary) = stored.decode_texts(dictionary.as_ref())?;
    if is_dictionary {
        *dictionary = Some(Arc::clone(texts.values()));
    }
    Ok(texts)
}

impl Merge {
    /// # Errors
    /// A part can't be read.
    pub async fn new(
        lake: &Arc<Lake>,
        table: Table,
        columns: Vec<Arc<Column>>,
        parts: &[Arc<Part>],
        stretch: usize,
    ) -> Result<Self, Error> {
        let fields = columns
            .iter()
            .map(|column| memory_target(table, column).field);
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let others = schema.fields().iter().filter(|field| !is_text(field));
        let others = Arc::new(Schema::new(others.cloned().collect::<Vec<_>>()));
        let order = RowOrder::new(table, &schema)?;
        let nothing = RecordBatch::new_empty(Arc::clone(&schema));
        let mut inputs = Vec::with_capacity(parts.len());
        for part in parts {
            inputs.push(Input {
                part: lake.part_groups(part, &others).await?,
                next: (0, 0),
                dictionaries: vec![None; schema.fields().len()],
                keys: order.keys(&nothing)?,
                row: 0,
            });
        }
        Ok(Self {
            batches: vec![nothing; inputs.len()],
            schema,
            columns,
            order,
            inputs,
            stretch,
        })
    }

    pub fn fields(&self) -> &[Arc<Field>] {
        self.schema.fields()
    }

    /// What the rows are of that [`Self::next`] has given.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The next rows, as (batch, row); none at the end. Rows that compare equal come in the order of their parts.
    ///
    /// # Errors
    /// A part can't be read.
    pub async fn next(&mut self) -> Result<Vec<(usize, usize)>, Error> {
        for (input, batch) in self.inputs.iter_mut().zip(&mut self.batches) {
            while input.is_empty() && input.has_more() {
                *batch = input
                    .read(self.stretch, &self.columns, &self.schema)
                    .await?;
                input.keys = self.order.keys(batch)?;
                input.row = 0;
            }
        }
        let mut starts: Vec<usize> = self.inputs.iter().map(|input| input.row).collect();
        let rows = first_rows(&self.inputs, &mut starts);
        for (input, start) in self.inputs.iter_mut().zip(starts) {
            input.row = start;
        }
        Ok(rows)
    }
}

/// How many of a group's rows may be read at a time, all of which take so many bytes.
fn fitting_rows(rows: usize, bytes: usize) -> usize {
    let fitting = rows.saturating_mul(STRETCH_BYTES) / bytes.max(1);
    fitting.max(1)
}

/// What a part takes while it is merged, so many rows at a time.
pub(super) fn open_bytes(part: &PartMeta, stretch: usize) -> u64 {
    let rows = part.rows.clamp(1, stretch as u64);
    let bytes_of = |rows: u64| part.size_bytes * rows.min(part.rows) / part.rows.max(1);
    let dictionaries = bytes_of(GROUP_ROWS as u64) / DICTIONARY_SHARES;
    let texts = dictionaries.max(TEXT_RATIO * bytes_of(rows));
    rows * part.columns.len() as u64 * VALUE_BYTES + texts
}

/// The first rows of all inputs from `starts` on, which go on behind them; no more than may be given at a time, and none
/// after one whose successor is not read yet.
fn first_rows(inputs: &[Input], starts: &mut [usize]) -> Vec<(usize, usize)> {
    let key = |at: usize, row: usize| inputs[at].keys.row(row);
    let filled = (0..inputs.len()).filter(|at| !inputs[*at].is_empty());
    let mut heap: BinaryHeap<_> = filled
        .map(|at| Reverse((key(at, starts[at]), at)))
        .collect();
    let mut rows = Vec::with_capacity(ROWS_MAX);
    while let Some(Reverse((_, at))) = heap.pop() {
        let input = &inputs[at];
        loop {
            if rows.len() == ROWS_MAX {
                return rows;
            }
            rows.push((at, starts[at]));
            starts[at] += 1;
            if starts[at] == input.keys.num_rows() {
                if input.has_more() {
                    return rows;
                }
                break;
            }
            let next = Reverse((key(at, starts[at]), at));
            if heap.peek().is_some_and(|first| next < *first) {
                heap.push(next);
                break;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::fitting_rows;

    #[test]
    fn fewer_rows_are_read_at_a_time_where_they_are_large() {
        let cases = [
            ((131_072, 64 << 20), 131_072),
            ((8_192, 2 << 30), 256),
            ((1, 1 << 30), 1),
            ((0, 0), 1),
        ];
        for ((rows, bytes), expected) in cases {
            assert_eq!(fitting_rows(rows, bytes), expected);
        }
    }
}
