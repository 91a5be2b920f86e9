//! Flush: everything in memory becomes one sorted part per table, in one commit with the position of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Field, TimestampNanosecondType};
use crawlspace_disk::fault::{self, Defect};
use crawlspace_model::attribute::Kind;
use crawlspace_model::{Table, UnixNanos};

use crate::catalogue::{Change, Column, PartMeta, Posting};
use crate::columns::{Columns, memory_target};
use crate::conform::{Spill, Target, attribute_fields, conform, kind_of_type};
use crate::error::Error;
use crate::lake::{Lake, State};
use crate::memory::MemoryBatch;
use crate::part::{GROUP_ROWS, RowOrder, Term};

/// Rows that tell of longer ago than this, or of later than that, are unusual.
const LATE_NANOS_MAX: i64 = 24 * 3_600_000_000_000;
const AHEAD_NANOS_MAX: i64 = 3_600_000_000_000;

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    pub rows: u64,
    pub parts: usize,
    /// Records of the log below this are in parts now.
    pub wal_position: u64,
}

impl Lake {
    /// Writes all rows that are in memory now to parts. Rows stay visible throughout, exactly once.
    ///
    /// # Errors
    /// A part can't be written or the catalogue can't commit; memory is unchanged then.
    pub async fn flush(self: &Arc<Self>) -> Result<Flushed, Error> {
        let _flushing = self.flushing.lock().await;
        let mut held = Held::take(self);
        let mut change = Change {
            wal_position: (!fault::has(Defect::PositionForgotten)).then_some(held.wal_position),
            posting: held.posting.clone(),
            ..Change::default()
        };
        let mut extended = Vec::new();
        for (table, (columns, batches)) in
            Table::ALL.into_iter().zip(std::mem::take(&mut held.tables))
        {
            if batches.is_empty() {
                continue;
            }
            let (columns, added) = columns.extended(table, &value_counts(&batches));
            let lake = Arc::clone(self);
            let for_writer = columns.clone();
            let runtime = tokio::runtime::Handle::current();
            // Encoding is long work for a core: off the threads that answer requests.
            let parts = tokio::task::spawn_blocking(move || {
                runtime.block_on(lake.write_parts(table, &for_writer, &batches))
            });
            change.new_parts.extend(parts.await??);
            change
                .new_columns
                .extend(added.into_iter().map(|column| (table, column)));
            extended.push((table, columns));
        }
        let rows = change.new_parts.iter().map(|part| part.rows).sum();
        let nothing_new = change.new_parts.is_empty()
            && change.posting.is_empty()
            && self.wal_position() == held.wal_position;
        if fault::has(Defect::FlushGap) {
            held.release(&mut self.state(), true);
        }
        if !nothing_new {
            let release = |state: &mut State| held.release(state, true);
            self.commit(&change, extended, release).await?;
        }
        Ok(Flushed {
            rows,
            parts: change.new_parts.len(),
            wal_position: held.wal_position,
        })
    }

    /// One part, or two where some rows are far from the others in time.
    async fn write_parts(
        &self,
        table: Table,
        columns: &Columns,
        held: &[Arc<MemoryBatch>],
    ) -> Result<Vec<PartMeta>, Error> {
        let written = present(table, columns, held);
        let targets: Vec<Target> = written
            .iter()
            .map(|column| memory_target(table, column))
            .collect();
        let batches = held
            .iter()
            .map(|batch| conform(&batch.rows, &targets, Spill::All));
        let batches = batches.collect::<Result<Vec<_>, Error>>()?;
        let fields: Vec<Arc<Field>> = targets.into_iter().map(|target| target.field).collect();
        let known: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
        let usual: Vec<Vec<bool>> = batches.iter().map(is_usual).collect();
        let (usual, unusual): (Vec<_>, Vec<_>) = sorted(table, &batches)?
            .into_iter()
            .partition(|(batch, row)| usual[*batch][*row]);
        let mut parts = Vec::new();
        for order in [usual, unusual].iter().filter(|order| !order.is_empty()) {
            let mut writer = self
                .begin_part(table, written.clone(), &fields, known.clone(), &Term::Short)
                .await?;
            // Each time it looks at all batches.
            for chunk in order.chunks(GROUP_ROWS) {
                writer.write(&batches, chunk).await?;
            }
            parts.push(writer.finish().await?);
        }
        Ok(parts)
    }
}

/// What a flush has taken out of the lake's state. It goes back whatever ends the flush before its commit: an error, a
/// panic, or nobody waiting for it any more.
struct Held<'a> {
    lake: &'a Lake,
    tables: Vec<(Arc<Columns>, Vec<Arc<MemoryBatch>>)>,
    wal_position: u64,
    oldest: Option<UnixNanos>,
    posting: Posting,
    is_released: bool,
}

impl<'a> Held<'a> {
    fn take(lake: &'a Lake) -> Self {
        let mut state = lake.state();
        let tables = state.tables.iter_mut();
        Self {
            lake,
            tables: tables
                .map(|table| (Arc::clone(&table.columns), table.memory.hold()))
                .collect(),
            wal_position: state.position,
            oldest: state.oldest.take(),
            posting: std::mem::take(&mut state.posting),
            is_released: false,
        }
    }

    fn release(&mut self, state: &mut State, is_written: bool) {
        for table in &mut state.tables {
            table.memory.release(is_written);
        }
        if !is_written {
            state.oldest = self.oldest.or(state.oldest);
            let later = std::mem::replace(&mut state.posting, std::mem::take(&mut self.posting));
            state.posting.add(later);
        }
        self.is_released = true;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.is_released {
            let lake = self.lake;
            self.release(&mut lake.state(), false);
        }
    }
}

/// The fixed columns, and those of the attributes that some row has.
fn present(table: Table, columns: &Columns, held: &[Arc<MemoryBatch>]) -> Vec<Arc<Column>> {
    let names: BTreeSet<String> = held
        .iter()
        .flat_map(|batch| attribute_fields(&batch.rows))
        .map(|(_, field)| field.name().clone())
        .collect();
    let fixed = table.fixed_columns().len();
    columns
        .iter()
        .enumerate()
        .filter(|(index, column)| *index < fixed || names.contains(&column.name))
        .map(|(_, column)| Arc::clone(column))
        .collect()
}

/// For each row, whether its time is near the one at which it came. The others get a part of their own, or one date of
/// 1970 would let every question look into every part.
fn is_usual(rows: &RecordBatch) -> Vec<bool> {
    let times = |name| {
        let column = rows.column_by_name(name)?;
        Some(column.as_primitive::<TimestampNanosecondType>().values())
    };
    let (Some(times), Some(received)) = (times("time"), times("received_at")) else {
        return vec![true; rows.num_rows()];
    };
    let late = |(time, received): (&i64, &i64)| received.saturating_sub(*time);
    times
        .iter()
        .zip(received)
        .map(|pair| (-AHEAD_NANOS_MAX..=LATE_NANOS_MAX).contains(&late(pair)))
        .collect()
}

/// How many values of each kind the attributes have.
fn value_counts(batches: &[Arc<MemoryBatch>]) -> BTreeMap<String, BTreeMap<Kind, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<Kind, u64>> = BTreeMap::new();
    for batch in batches {
        for (index, field) in attribute_fields(&batch.rows) {
            let values = batch.rows.num_rows() - batch.rows.column(index).null_count();
            let kinds = counts.entry(field.name().clone()).or_default();
            *kinds.entry(kind_of_type(field.data_type())).or_default() += values as u64;
        }
    }
    counts
}

/// The rows of all batches in the table's order, as (batch, row); rows that compare equal keep theirs.
fn sorted(table: Table, batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>, Error> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let order = RowOrder::new(table, first.schema_ref())?;
    let keys = batches.iter().map(|batch| order.keys(batch));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let rows = batches.iter().enumerate();
    let rows = rows.flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)));
    let key = |(batch, row): (usize, usize)| keys[batch].row(row);
    // Beside each row, since most rows differ there.
    let mut rows: Vec<_> = rows.map(|at| (first_bytes(key(at).data()), at)).collect();
    rows.sort_unstable_by(|(a, at_a), (b, at_b)| {
        let by_key = || key(*at_a).cmp(&key(*at_b));
        a.cmp(b).then_with(by_key).then(at_a.cmp(at_b))
    });
    let rows = rows.into_iter().map(|(_, at)| at).collect();
    Ok(rows)
}

/// How a key begins, as a number that compares as it does.
fn first_bytes(key: &[u8]) -> u128 {
    let mut first = [0; size_of::<u128>()];
    let length = key.len().min(first.len());
    first[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(first)
}
