//! Parts row group by row group: columns as they are stored for whoever counts codes, and the others as scans give them.

use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory as _;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::chunk::{StoredChunk, is_decoded};
use super::{file, footer_bytes, object, readers};
use crate::catalogue::{Column, Part};
use crate::error::Error;
use crate::lake::Lake;
use crate::part;

/// A part that is being read.
#[derive(Debug)]
pub struct PartGroups {
    lake: Arc<Lake>,
    part: Arc<Part>,
    metadata: Arc<ParquetMetaData>,
    /// Of [`Self::rows`].
    schema: SchemaRef,
    /// What Parquet's reader is to know of the part.
    known: ArrowReaderMetadata,
    /// The columns that it is to read.
    wanted: ProjectionMask,
}

impl Lake {
    /// The footer of a part, kept for who asks next.
    pub(super) async fn footer(&self, part: &Part) -> Result<Arc<ParquetMetaData>, Error> {
        let cache = self.runtime().cache_manager.get_file_metadata_cache();
        let (store, object) = (self.store(), object(part));
        let footer = DFParquetMetadata::new(store.as_ref(), &object)
            .with_metadata_size_hint(Some(footer_bytes(part)))
            .with_file_metadata_cache(Some(cache))
            .fetch_metadata()
            .await?;
        Ok(footer)
    }

    /// A part of which rows are read with the columns of a scan's schema.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn part_groups(
        self: &Arc<Self>,
        part: &Arc<Part>,
        schema: &SchemaRef,
    ) -> Result<PartGroups, Error> {
        let metadata = self.footer(part).await?;
        let known = known(&metadata, schema).map_err(|source| error_in(part, source))?;
        let wanted = schema.fields().iter();
        let wanted = wanted.filter_map(|field| known.schema().index_of(field.name()).ok());
        Ok(PartGroups {
            lake: Arc::clone(self),
            part: Arc::clone(part),
            wanted: ProjectionMask::roots(known.parquet_schema(), wanted),
            metadata,
            schema: Arc::clone(schema),
            known,
        })
    }
}

/// The part's own types, but texts as the schema wants them.
fn known(
    metadata: &Arc<ParquetMetaData>,
    schema: &SchemaRef,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let of = |options| ArrowReaderMetadata::try_new(Arc::clone(metadata), options);
    let own = of(ArrowReaderOptions::new())?;
    let fields = own.schema().fields().iter().map(|field| {
        let wanted = schema.field_with_name(field.name());
        let data_type = match (field.data_type(), wanted.map(|wanted| wanted.data_type())) {
            (DataType::Utf8, Ok(DataType::Utf8View)) => DataType::Utf8View,
            (own, _) => own.clone(),
        };
        field.as_ref().clone().with_data_type(data_type)
    });
    let views = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    of(ArrowReaderOptions::new().with_schema(views))
}

fn error_in(part: &Part, source: ParquetError) -> Error {
    Error::Parquet {
        path: part::location(&part.meta).to_string(),
        source,
    }
}

impl PartGroups {
    #[must_use]
    pub fn count(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// How many rows a group has.
    #[must_use]
    pub fn rows_of(&self, group: usize) -> usize {
        usize::try_from(self.metadata.row_group(group).num_rows()).unwrap_or_default()
    }

    /// Columns of a group as they are stored; `None` for those that the part has not.
    ///
    /// # Errors
    /// The part can't be read, or a column is of a type that has no codes.
    pub async fn chunks<'c>(
        &self,
        group: usize,
        columns: impl Iterator<Item = &'c Column>,
    ) -> Result<Vec<Option<StoredChunk>>, Error> {
        let chunks = self.metadata.row_group(group).columns();
        let place = |column: &Column| {
            chunks.iter().position(|chunk| {
                let path = chunk.column_path().parts();
                path.len() == 1 && path[0] == column.stored_name
            })
        };
        let places: Vec<Option<usize>> = columns.map(place).collect();
        let ranges = places.iter().flatten().map(|place| {
            let chunk = &chunks[*place];
            if !is_decoded(chunk) {
                let kind = chunk.column_type();
                return Err(self.error(ParquetError::NYI(format!("codes of {kind}"))));
            }
            let (start, length) = chunk.byte_range();
            Ok(start..start + length)
        });
        let ranges = ranges.collect::<Result<Vec<_>, Error>>()?;
        let location = part::location(&self.part.meta);
        let bytes = self.lake.store().get_ranges(&location, &ranges).await?;
        let mut bytes = bytes.into_iter();
        let stored = places.into_iter().map(|place| {
            Some(StoredChunk {
                metadata: Arc::clone(&self.metadata),
                group,
                column: place?,
                bytes: bytes.next()?,
            })
        });
        Ok(stored.collect())
    }

    /// All rows of a group.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn rows(&self, group: usize) -> Result<RecordBatch, Error> {
        let hint = Some(footer_bytes(&self.part));
        let metrics = ExecutionPlanMetricsSet::new();
        let readers = readers(&self.lake);
        let reader: Box<dyn AsyncFileReader> =
            readers.create_reader(0, file(&self.part), hint, &metrics)?;
        let rows = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, self.known.clone())
            .with_row_groups(vec![group])
            .with_projection(self.wanted.clone())
            .with_batch_size(self.rows_of(group))
            .build()
            .map_err(|source| self.error(source))?;
        let read = Arc::clone(rows.schema());
        let rows: Vec<RecordBatch> = rows
            .try_collect()
            .await
            .map_err(|source| self.error(source))?;
        let rows = concat_batches(&read, &rows)?;
        fitted(&rows, self.rows_of(group), &self.schema)
    }

    /// The bytes in the file that [`Self::rows`] takes.
    #[must_use]
    pub fn bytes_of_rows(&self, group: usize) -> u64 {
        let chunks = self.metadata.row_group(group).columns().iter().enumerate();
        let wanted = chunks.filter(|(leaf, _)| self.wanted.leaf_included(*leaf));
        wanted.map(|(_, chunk)| chunk.byte_range().1).sum()
    }

    /// The part's name with what is wrong with it.
    #[must_use]
    pub fn error(&self, source: ParquetError) -> Error {
        error_in(&self.part, source)
    }
}

/// The wanted columns, in their types.
fn fitted(rows: &RecordBatch, count: usize, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let columns = schema.fields().iter().map(|field| {
        let Some(column) = rows.column_by_name(field.name()) else {
            return Ok(new_null_array(field.data_type(), count));
        };
        Ok(cast(column, field.data_type())?)
    });
    let columns = columns.collect::<Result<Vec<_>, Error>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(count));
    let rows = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
    Ok(rows)
}
