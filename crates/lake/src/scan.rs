//! Reading: parts as DataFusion's own Parquet source, memory as batches of the same columns.

mod chunk;
mod group;
mod id_pages;
mod lookup;
mod picked;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use crawlspace_model::Table;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::catalogue::{Column, Part};
use crate::columns::{memory_target, scan_field};
use crate::conform::{Spill, Target, conform};
use crate::error::Error;
use crate::lake::{Lake, store_url};
use crate::memory::MemoryBatch;
use crate::part;
use crate::store::object_time;

pub use chunk::{ABSENT, Chunk, StoredChunk, Texts, Values};
pub use group::PartGroups;
pub(crate) use id_pages::KnownIdPages;

/// What to read of which parts.
#[derive(Debug)]
pub struct PartScan<'a> {
    pub table: Table,
    pub columns: &'a [Arc<Column>],
    /// The columns to give, by index; all of them without.
    pub projection: Option<Vec<usize>>,
    /// Each group is read by one task, in order.
    pub groups: Vec<Vec<Arc<Part>>>,
    /// Over [`PartScan::schema`]; rows that can't match may be left out.
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
    pub limit: Option<usize>,
}

impl PartScan<'_> {
    /// The columns under their stored names.
    #[must_use]
    pub fn schema(table: Table, columns: &[Arc<Column>]) -> SchemaRef {
        Arc::new(Schema::new(
            columns
                .iter()
                .map(|column| scan_field(table, column))
                .collect::<Vec<_>>(),
        ))
    }

    /// The plan that reads them.
    ///
    /// # Errors
    /// The projection names a column that is not there.
    pub fn plan(self, lake: &Lake) -> Result<Arc<dyn ExecutionPlan>, Error> {
        let mut source = ParquetSource::new(Self::schema(self.table, self.columns))
            .with_parquet_file_reader_factory(Arc::new(readers(lake)))
            .with_pushdown_filters(true)
            .with_reorder_filters(true);
        if let Some(predicate) = self.predicate {
            source = source.with_predicate(predicate);
        }
        let groups = self
            .groups
            .into_iter()
            .map(|parts| FileGroup::new(parts.iter().map(|part| file(part)).collect()));
        let config = FileScanConfigBuilder::new(store_url(), Arc::new(source))
            .with_file_groups(groups.collect())
            .with_projection_indices(self.projection)?
            .with_limit(self.limit);
        Ok(DataSourceExec::from_data_source(config.build()))
    }
}

/// Readers that keep the footers they have read.
fn readers(lake: &Lake) -> CachedParquetFileReaderFactory {
    let cache = lake.runtime().cache_manager.get_file_metadata_cache();
    CachedParquetFileReaderFactory::new(lake.store(), cache)
}

fn file(part: &Part) -> PartitionedFile {
    PartitionedFile::new_from_meta(object(part)).with_metadata_size_hint(footer_bytes(part))
}

fn object(part: &Part) -> object_store::ObjectMeta {
    object_store::ObjectMeta {
        location: part::location(&part.meta),
        last_modified: object_time(),
        size: part.meta.size_bytes,
        e_tag: None,
        version: None,
    }
}

/// With the eight bytes that close the file.
fn footer_bytes(part: &Part) -> usize {
    usize::try_from(part.meta.footer_bytes + 8).unwrap_or(usize::MAX)
}

/// The same columns of rows in memory. A value that doesn't fit its column is in `overflow`, if that is asked for.
///
/// # Errors
/// Only for columns of types that no batch has.
pub fn scan_memory(
    table: Table,
    columns: &[Arc<Column>],
    memory: &[Arc<MemoryBatch>],
) -> Result<Vec<RecordBatch>, Error> {
    let targets: Vec<Target> = columns
        .iter()
        .map(|column| memory_target(table, column))
        .collect();
    let schema = PartScan::schema(table, columns);
    let batches = memory.iter().map(|batch| {
        let rows = conform(&batch.rows, &targets, Spill::Targets)?;
        let values = rows
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(values, field)| cast(values, field.data_type()));
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&schema),
            values,
            &options,
        )?)
    });
    batches.collect()
}

impl Lake {
    /// How many rows of a part have a value in each of its flat columns, by stored name. Read from its footer alone.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn value_counts(&self, part: &Part) -> Result<BTreeMap<String, u64>, Error> {
        let metadata = self.footer(part).await?;
        let mut counts = BTreeMap::new();
        let chunks = metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns());
        for chunk in chunks {
            let nulls = chunk
                .statistics()
                .and_then(|statistics| statistics.null_count_opt());
            if let ([name], Some(nulls)) = (chunk.column_path().parts(), nulls) {
                let rows = chunk.num_values().unsigned_abs();
                *counts.entry(name.clone()).or_insert(0) += rows - nulls.min(rows);
            }
        }
        Ok(counts)
    }
}
