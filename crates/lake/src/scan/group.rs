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

/// A part with its footer.
#[derive(Debug)]
pub struct PartGroups {
    lake: Arc<Lake>,
    part: Arc<Part>,
    metadata: Arc<ParquetMetaData>,
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

    /// # Errors
    /// The part can't be read.
    pub async fn part_groups(self: &Arc<Self>, part: &Arc<Part>) -> Result<PartGroups, Error> {
        Ok(PartGroups {
            lake: Arc::clone(self),
            part: Arc::clone(part),
            metadata: self.footer(part).await?,
        })
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
    pub async fn chunks(
        &self,
        group: usize,
        columns: &[Arc<Column>],
    ) -> Result<Vec<Option<StoredChunk>>, Error> {
        let chunks = self.metadata.row_group(group).columns();
        let place = |column: &Arc<Column>| {
            chunks.iter().position(|chunk| {
                let path = chunk.column_path().parts();
                path.len() == 1 && path[0] == column.stored_name
            })
        };
        let places: Vec<Option<usize>> = columns.iter().map(place).collect();
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

    /// All rows of a group with the columns of a scan's schema.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn rows(&self, group: usize, schema: &SchemaRef) -> Result<RecordBatch, Error> {
        let factory = readers(&self.lake);
        let hint = Some(footer_bytes(&self.part));
        let metrics = ExecutionPlanMetricsSet::new();
        let reader: Box<dyn AsyncFileReader> =
            factory.create_reader(0, file(&self.part), hint, &metrics)?;
        let known =
            ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), ArrowReaderOptions::new());
        let known = known.map_err(|source| self.error(source))?;
        let fields = known.schema().fields().iter().map(|field| {
            let wanted = schema.field_with_name(field.name());
            let data_type = match (field.data_type(), wanted.map(|wanted| wanted.data_type())) {
                (DataType::Utf8, Ok(DataType::Utf8View)) => DataType::Utf8View,
                (inferred, _) => inferred.clone(),
            };
            field.as_ref().clone().with_data_type(data_type)
        });
        let views = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(views);
        let known = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options);
        let known = known.map_err(|source| self.error(source))?;
        let wanted = schema.fields().iter();
        let wanted = wanted.filter_map(|field| known.schema().index_of(field.name()).ok());
        let mask = ProjectionMask::roots(known.parquet_schema(), wanted);
        let rows = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, known)
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(self.rows_of(group))
            .build()
            .map_err(|source| self.error(source))?;
        let read_schema = Arc::clone(rows.schema());
        let rows: Vec<RecordBatch> = rows
            .try_collect()
            .await
            .map_err(|source| self.error(source))?;
        fitted(
            &concat_batches(&read_schema, &rows)?,
            self.rows_of(group),
            schema,
        )
    }

    /// The part's name with what is wrong with it.
    #[must_use]
    pub fn error(&self, source: ParquetError) -> Error {
        Error::Parquet {
            path: part::location(&self.part.meta).to_string(),
            source,
        }
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
