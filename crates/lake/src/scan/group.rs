//! Parts row group by row group: columns as they are stored for whoever counts codes, and the others as scans give them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader as _, new_null_array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::SchemaDescriptor;
use tokio_util::task::AbortOnDropHandle;

use super::chunk::{StoredChunk, is_decoded};
use super::picked::{PagesOf, Picked};
use super::{footer_bytes, object};
use crate::catalogue::{Column, Part};
use crate::error::Error;
use crate::lake::Lake;
use crate::part;

/// A part that is being read.
#[derive(Debug)]
pub struct PartGroups {
    lake: Arc<Lake>,
    part: Arc<Part>,
    pub(super) metadata: Arc<ParquetMetaData>,
    /// Of [`Self::rows`].
    schema: SchemaRef,
    /// For each of its fields the place of the part's column, if that is one.
    leaves: Vec<Option<usize>>,
    /// The columns of the part that it wants.
    wanted: ProjectionMask,
    /// What Parquet's reader makes of those that have no codes, if there are any. It looks at all columns of the part.
    others: Option<FieldLevels>,
}

impl Lake {
    /// The footer of a part, kept for who asks next.
    pub(crate) async fn footer(&self, part: &Part) -> Result<Arc<ParquetMetaData>, Error> {
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
        let stored = metadata.file_metadata().schema_descr();
        let (wanted, leaves) = wanted_of(stored, schema);
        let uncoded = wanted.iter().copied();
        let uncoded: Vec<usize> = uncoded
            .filter(|leaf| !has_codes(&metadata, *leaf))
            .collect();
        let others = (!uncoded.is_empty()).then(|| {
            let uncoded = ProjectionMask::leaves(stored, uncoded);
            parquet_to_arrow_field_levels(stored, uncoded, None)
        });
        let others = others.transpose();
        let others = others.map_err(|source| error_in(part, source))?;
        let wanted = ProjectionMask::leaves(stored, wanted);
        Ok(PartGroups {
            lake: Arc::clone(self),
            part: Arc::clone(part),
            leaves,
            schema: Arc::clone(schema),
            wanted,
            others,
            metadata,
        })
    }
}

/// The columns of a part that a schema wants; and where those of its fields are that are one column.
fn wanted_of(stored: &SchemaDescriptor, schema: &Schema) -> (Vec<usize>, Vec<Option<usize>>) {
    let fields = schema.fields().iter().enumerate();
    let fields: HashMap<&str, usize> = fields
        .map(|(place, field)| (field.name().as_str(), place))
        .collect();
    let (mut wanted, mut leaves) = (Vec::new(), vec![None; fields.len()]);
    // Most questions want none: they read chunks.
    let columns = stored.columns().iter().enumerate();
    for (leaf, column) in columns.filter(|_| !fields.is_empty()) {
        let path = column.path().parts();
        let Some(place) = fields.get(path[0].as_str()) else {
            continue;
        };
        wanted.push(leaf);
        if path.len() == 1 {
            leaves[*place] = Some(leaf);
        }
    }
    (wanted, leaves)
}

/// Whether a column is read by codes.
fn has_codes(metadata: &ParquetMetaData, leaf: usize) -> bool {
    let mut groups = metadata.row_groups().iter();
    groups.all(|group| is_decoded(group.column(leaf)))
}

fn error_in(part: &Part, source: ParquetError) -> Error {
    Error::Parquet {
        path: part::location(&part.meta).to_string(),
        source,
    }
}

/// Columns with their places, for so many tasks: the largest first, each for the one that has the least so far.
fn shared<T>(columns: Vec<(StoredChunk, T)>, tasks: usize) -> Vec<Vec<(usize, (StoredChunk, T))>> {
    let mut columns: Vec<_> = columns.into_iter().enumerate().collect();
    columns.sort_by_key(|(_, (stored, _))| Reverse(stored.bytes()));
    let mut shares: Vec<(u64, Vec<_>)> = (0..tasks.max(1)).map(|_| (0, Vec::new())).collect();
    for column in columns {
        if let Some((bytes, share)) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += column.1.0.bytes();
            share.push(column);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
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

    /// What a group takes once it is decompressed.
    pub(crate) fn bytes_of(&self, group: usize) -> usize {
        usize::try_from(self.metadata.row_group(group).total_byte_size()).unwrap_or_default()
    }

    /// The place of a flat column.
    pub(super) fn leaf(&self, stored_name: &str) -> Option<usize> {
        let columns = self.metadata.file_metadata().schema_descr().columns();
        let is_it = |path: &[String]| path.len() == 1 && path[0] == stored_name;
        columns
            .iter()
            .position(|column| is_it(column.path().parts()))
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
        let places: Vec<Option<usize>> = columns
            .map(|column| self.leaf(&column.stored_name))
            .collect();
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
                rows: self.rows_of(group),
            })
        });
        Ok(stored.collect())
    }

    /// The pages of some columns that a stretch of a group's rows is in, each with how many rows of others come first;
    /// `None` for columns that the part has not. With each column is said whether its dictionary is known already: it is
    /// not read then.
    ///
    /// # Errors
    /// The part can't be read.
    pub(crate) async fn stretch<'c>(
        &self,
        group: usize,
        columns: impl Iterator<Item = (&'c Column, bool)>,
        rows: &Range<usize>,
    ) -> Result<Vec<Option<(StoredChunk, usize)>>, Error> {
        let (mut ranges, mut found) = (Vec::new(), Vec::new());
        for (column, is_known) in columns {
            let Some(leaf) = self.leaf(&column.stored_name) else {
                found.push(None);
                continue;
            };
            let pages = PagesOf::new(&self.metadata, group, leaf, rows);
            let PagesOf {
                dictionary,
                data,
                rows: of_pages,
            } = pages.map_err(|source| self.error(source))?;
            let dictionary = match is_known {
                true => data.start..data.start,
                false => dictionary,
            };
            ranges.extend([dictionary, data]);
            found.push(Some((leaf, of_pages)));
        }
        let location = part::location(&self.part.meta);
        let read = self.lake.store().get_ranges(&location, &ranges).await?;
        let mut read = read.chunks_exact(2);
        let stored = found.into_iter().map(|found| {
            let (column, of_pages) = found?;
            let chunk = StoredChunk {
                metadata: Arc::clone(&self.metadata),
                group,
                column,
                bytes: read.next()?.concat().into(),
                rows: of_pages.len(),
            };
            Some((chunk, rows.start - of_pages.start))
        });
        Ok(stored.collect())
    }

    /// Whether a group may have one of these texts in a column; what it has no Bloom filter of, it may have.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn may_have(
        &self,
        group: usize,
        column: &Column,
        texts: &[String],
    ) -> Result<bool, Error> {
        let Some(leaf) = self.leaf(&column.stored_name) else {
            return Ok(false);
        };
        let chunk = self.metadata.row_group(group).column(leaf);
        let (start, length) = (chunk.bloom_filter_offset(), chunk.bloom_filter_length());
        let Some((start, length)) = start.zip(length) else {
            return Ok(true);
        };
        let start = start.unsigned_abs();
        let range = start..start + u64::from(length.unsigned_abs());
        let location = part::location(&self.part.meta);
        let bytes = self.lake.store().get_range(&location, range).await?;
        let filter = Sbbf::from_bytes(&bytes).map_err(|source| self.error(source))?;
        Ok(texts.iter().any(|text| filter.check(text.as_str())))
    }

    /// The least and the greatest number that a group has in a column, if each of its rows has one.
    #[must_use]
    pub fn bounds(&self, group: usize, column: &Column) -> Option<(i64, i64)> {
        let leaf = self.leaf(&column.stored_name)?;
        let statistics = self.metadata.row_group(group).column(leaf).statistics()?;
        let Statistics::Int64(bounds) = statistics else {
            return None;
        };
        let is_full = statistics.null_count_opt() == Some(0);
        let bounds = bounds.min_opt().copied().zip(bounds.max_opt().copied());
        bounds.filter(|_| is_full)
    }

    /// Rows of a group: stretches of its places, in their order. Only the pages are read that they are in.
    ///
    /// # Errors
    /// The part can't be read.
    pub async fn rows(&self, group: usize, places: &[Range<usize>]) -> Result<RecordBatch, Error> {
        self.rows_by(group, places, 1).await
    }

    /// The same; so many tasks decode columns at a time.
    pub(super) async fn rows_by(
        &self,
        group: usize,
        places: &[Range<usize>],
        tasks: usize,
    ) -> Result<RecordBatch, Error> {
        let at = |source| self.error(source);
        let mut picked = Picked::new(&self.metadata, group, &self.wanted, places).map_err(at)?;
        let ranges = picked.ranges();
        let location = part::location(&self.part.meta);
        let read = self.lake.store().get_ranges(&location, &ranges).await?;
        picked.fill(&ranges, &read).map_err(at)?;
        let count = places.iter().map(ExactSizeIterator::len).sum();
        let others = self.others(&picked, group, places, count)?;
        let coded = self.schema.fields().iter().zip(&self.leaves);
        let coded = coded.filter(|(field, _)| others.column_by_name(field.name()).is_none());
        let coded = coded.filter_map(|(_, leaf)| Some(picked.chunk((*leaf)?, places)));
        let coded: Vec<_> = coded.collect::<Result<_, _>>().map_err(at)?;
        let mut coded = self.decoded(coded, tasks).await?.into_iter();
        let columns = self.schema.fields().iter().zip(&self.leaves);
        let columns = columns.map(|(field, leaf)| {
            let stored = match others.column_by_name(field.name()) {
                Some(column) => Some(Arc::clone(column)),
                None => leaf.and_then(|_| coded.next()),
            };
            Ok(match stored {
                Some(column) => cast(&column, field.data_type())?,
                None => new_null_array(field.data_type(), count),
            })
        });
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }

    /// Some rows of columns that have codes.
    async fn decoded(
        &self,
        columns: Vec<(StoredChunk, Vec<u32>)>,
        tasks: usize,
    ) -> Result<Vec<ArrayRef>, Error> {
        let decode = |columns: Vec<(usize, (StoredChunk, Vec<u32>))>| {
            let arrays = columns.into_iter().map(|(place, (stored, rows))| {
                let chunk = stored.decode_codes()?;
                Ok((place, chunk.array_of(&rows)?))
            });
            arrays.collect::<Result<Vec<_>, ParquetError>>()
        };
        let mut shares = shared(columns, tasks).into_iter();
        let own = shares.next().unwrap_or_default();
        let elsewhere = shares.map(|share| {
            let task = tokio::spawn(async move { decode(share) });
            AbortOnDropHandle::new(task)
        });
        let elsewhere: Vec<_> = elsewhere.collect();
        let mut arrays = decode(own).map_err(|source| self.error(source))?;
        for task in elsewhere {
            arrays.extend(task.await?.map_err(|source| self.error(source))?);
        }
        arrays.sort_unstable_by_key(|(place, _)| *place);
        Ok(arrays.into_iter().map(|(_, array)| array).collect())
    }

    /// Those columns of rows that have no codes.
    fn others(
        &self,
        picked: &Picked,
        group: usize,
        places: &[Range<usize>],
        count: usize,
    ) -> Result<RecordBatch, Error> {
        let Some(others) = &self.others else {
            return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
        };
        let at = |source| self.error(source);
        let all = self.rows_of(group);
        let chosen = RowSelection::from_consecutive_ranges(places.iter().cloned(), all);
        let rows =
            ParquetRecordBatchReader::try_new_with_row_groups(others, picked, count, Some(chosen));
        let rows = rows.map_err(at)?;
        let schema = rows.schema();
        let rows = rows.collect::<Result<Vec<RecordBatch>, _>>();
        let rows = rows.map_err(|source| at(ParquetError::External(source.into())))?;
        Ok(concat_batches(&schema, &rows)?)
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
