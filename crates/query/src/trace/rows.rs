//! The rows of some traces: those in memory and those of parts, in the columns that are wanted.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, max, min};
use arrow::datatypes::{Schema, TimestampNanosecondType};
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{MemoryBatch, PartScan, TableSnapshot, scan_memory};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::task::AbortOnDropHandle;

use crate::engine::Engine;
use crate::error::Error;

/// Parts that are read at a time: they may be far away.
const PARTS_AT_ONCE: usize = 8;

/// Which rows are looked up.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub traces: HashSet<[u8; 16]>,
    /// Of these traces, one span only.
    pub span: Option<[u8; 8]>,
    /// If known, when the first and the last of them were received.
    pub received: Option<(i64, i64)>,
    /// Only these columns; they must have the ids. All without.
    pub columns: Option<&'static [&'static str]>,
}

impl Engine {
    /// The rows of some traces, their columns under the names that queries use.
    pub(crate) async fn rows_of(
        &self,
        table: &TableSnapshot,
        wanted: &Wanted,
    ) -> Result<RecordBatch, Error> {
        let mut columns = columns_of(table);
        columns.retain(|column| wanted.has_column(&column.name));
        let mut memory = Vec::new();
        for batch in table
            .memory
            .iter()
            .filter(|batch| wanted.meets_rows(&batch.rows))
        {
            let found = wanted.among(&wanted.projected(&batch.rows)?)?;
            if found.num_rows() > 0 {
                memory.push(Arc::new(MemoryBatch::new(found)));
            }
        }
        let mut batches = scan_memory(table.table, &columns, &memory)?;
        let stored = PartScan::schema(table.table, &columns);
        let ids: Arc<[[u8; 16]]> = wanted.traces.iter().copied().collect();
        let parts = table.parts.iter().filter(|part| wanted.meets(part));
        let found: Vec<_> = parts
            .map(|part| {
                let (lake, part) = (Arc::clone(&self.lake), Arc::clone(part));
                let (stored, ids) = (Arc::clone(&stored), Arc::clone(&ids));
                let found = async move { lake.rows_with(&part, &stored, "trace_id", &ids).await };
                // Decoding keeps a core busy, and another part may have another.
                async move { AbortOnDropHandle::new(tokio::spawn(found)).await }
            })
            .collect();
        let mut found = stream::iter(found).buffered(PARTS_AT_ONCE);
        while let Some(rows) = found
            .try_next()
            .await
            .map_err(crawlspace_lake::Error::from)?
        {
            for batch in rows? {
                batches.push(wanted.among(&batch)?);
            }
        }
        let rows = concat_batches(&stored, &batches).map_err(crawlspace_lake::Error::from)?;
        let fields: Vec<_> = stored
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column)| field.as_ref().clone().with_name(&column.name))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new(schema, rows.columns().to_vec())
            .map_err(crawlspace_lake::Error::from)?)
    }
}

/// The columns of the catalogue, and those that only memory has.
pub(crate) fn columns_of(table: &TableSnapshot) -> Vec<Arc<Column>> {
    let mut columns: Vec<Arc<Column>> = table.columns.iter().cloned().collect();
    let known: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let names = table.attribute_names();
    columns.extend(
        names
            .difference(&known)
            .filter_map(|name| table.attribute(name)?.column),
    );
    columns
}

impl Wanted {
    fn has_column(&self, name: &str) -> bool {
        self.columns.is_none_or(|columns| columns.contains(&name))
    }

    fn meets(&self, part: &Part) -> bool {
        self.received.is_none_or(|(first, last)| {
            part.meta.received_max.0 >= first && part.meta.received_min.0 <= last
        })
    }

    fn meets_rows(&self, rows: &RecordBatch) -> bool {
        let received = rows
            .column_by_name("received_at")
            .and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
        let range = received.and_then(|received| Some((min(received)?, max(received)?)));
        match (self.received, range) {
            (Some((first, last)), Some((earliest, latest))) => latest >= first && earliest <= last,
            _ => true,
        }
    }

    /// Without the columns that nobody wants: to filter them is most of the work.
    fn projected(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let fields = rows.schema_ref().fields().iter().enumerate();
        let kept: Vec<usize> = fields
            .filter(|(_, field)| self.has_column(field.name()))
            .map(|(index, _)| index)
            .collect();
        Ok(rows.project(&kept).map_err(crawlspace_lake::Error::from)?)
    }

    fn among(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let ids = |name: &str| rows.column_by_name(name)?.as_fixed_size_binary_opt();
        let (traces, spans) = (ids("trace_id"), ids("span_id"));
        let is_wanted = |row: usize| {
            let of_trace = traces.is_some_and(|ids| {
                let id: Result<[u8; 16], _> = ids.value(row).try_into();
                ids.is_valid(row) && id.is_ok_and(|id| self.traces.contains(&id))
            });
            let of_span = |span: [u8; 8]| {
                spans.is_some_and(|ids| ids.is_valid(row) && ids.value(row) == span)
            };
            of_trace && self.span.is_none_or(of_span)
        };
        let matching: Vec<bool> = (0..rows.num_rows()).map(is_wanted).collect();
        let matching = BooleanArray::from(matching);
        Ok(filter_record_batch(rows, &matching).map_err(crawlspace_lake::Error::from)?)
    }
}
