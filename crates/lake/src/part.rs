//! Writing a part: one sorted Parquet file, streamed to the object store, and what the catalogue wants to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Field, Schema, TimestampNanosecondType};
use crawlspace_model::attribute::Kinds;
use crawlspace_model::{Table, UnixNanos};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::async_writer::AsyncArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::catalogue::{Column, ColumnStats, ColumnType, PartMeta, object_path, time_text};
use crate::columns::with_field_ids;
use crate::conform::overflow_kinds;
use crate::error::Error;
use crate::memory::{is_weighted, time_bounds};
use crate::store::ChecksummedWriter;

/// Rows in a row group.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows in a data page: what a lookup of one trace has to decode of a column.
const PAGE_ROWS: usize = 8_192;
/// A column with more different values than fit goes on without its dictionary. What looks up a trace has to read a
/// dictionary whole.
const DICTIONARY_BYTES_MAX: usize = 256 << 10;
/// Of the values that a row group lacks, so many are taken for there by its Bloom filter. Half of it is two bits more for
/// each value.
const BLOOM_FALSE_SHARE: f64 = 0.05;
/// More overflow keys than this without a column are not listed in the catalogue.
const OVERFLOW_KEYS_MAX: usize = 10_000;
/// A Parquet file ends with the footer's length (4 bytes) and the magic number (4 bytes).
const FOOTER_END_BYTES: u64 = 8;

/// The directory of a table's parts below the store's root, as DuckLake expects it.
#[must_use]
pub fn directory(table: Table) -> Path {
    Path::from_iter(["data", "main", table.name()])
}

/// The object of a path that the catalogue gives below its data path.
#[must_use]
pub fn below_data(path: &str) -> Path {
    Path::from_iter(std::iter::once("data").chain(path.split('/')))
}

/// The object that holds a part.
#[must_use]
pub fn location(meta: &PartMeta) -> Path {
    directory(meta.table).join(meta.file_name.as_str())
}

/// One part while it is written.
pub struct PartWriter {
    store: Arc<dyn ObjectStore>,
    writer: AsyncArrowWriter<ChecksummedWriter>,
    columns: Vec<Arc<Column>>,
    meta: PartMeta,
    stats: BTreeMap<i64, Bounds>,
    /// Overflow keys that always have to be listed.
    listed: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Bounds {
    nulls: u64,
    bounds: Option<(String, String)>,
}

impl PartWriter {
    /// Starts a part with these columns, which the batches must have in this order. `known` are all columns of the table,
    /// `searched` the ids of those that get a Bloom filter.
    ///
    /// # Errors
    /// The object can't be created.
    pub fn new(
        store: &Arc<dyn ObjectStore>,
        table: Table,
        columns: Vec<Arc<Column>>,
        fields: &[Arc<Field>],
        known: BTreeSet<String>,
        searched: &BTreeSet<i64>,
    ) -> Result<Self, Error> {
        let file_name = format!("{}.parquet", uuid::Uuid::new_v4());
        let path = directory(table).join(file_name.as_str());
        let numbered: Vec<Field> = columns
            .iter()
            .zip(fields)
            .map(|(column, field)| with_field_ids(field, column.id))
            .collect();
        let at = |source: ParquetError| Error::Parquet {
            path: path.to_string(),
            source,
        };
        let parquet_schema = ArrowSchemaConverter::new()
            .convert(&Schema::new(numbered))
            .map_err(at)?;
        let options = ArrowWriterOptions::new()
            .with_properties(properties(&columns, searched))
            // Readers are to see plain Parquet types, not how we held them in memory.
            .with_skip_arrow_metadata(true)
            .with_parquet_schema(parquet_schema);
        let sink = ChecksummedWriter::new(BufWriter::new(Arc::clone(store), path.clone()));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let writer = AsyncArrowWriter::try_new_with_options(sink, schema, options).map_err(at)?;
        let meta = PartMeta {
            table,
            file_name,
            rows: 0,
            size_bytes: 0,
            footer_bytes: 0,
            time_min: UnixNanos(i64::MAX),
            time_max: UnixNanos(i64::MIN),
            received_min: UnixNanos(i64::MAX),
            received_max: UnixNanos(i64::MIN),
            columns: columns.iter().map(|column| column.id).collect(),
            overflow: BTreeMap::new(),
            overflow_complete: true,
            weighted: false,
            checksums: Arc::default(),
            stats: Vec::new(),
        };
        Ok(Self {
            store: Arc::clone(store),
            writer,
            columns,
            meta,
            stats: BTreeMap::new(),
            listed: known,
        })
    }

    /// Appends rows, which come in the order of the table.
    ///
    /// # Errors
    /// The object can't be written.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let meta = &mut self.meta;
        meta.rows += rows.num_rows() as u64;
        let (least, greatest) = time_bounds(rows, "time");
        (meta.time_min, meta.time_max) = (meta.time_min.min(least), meta.time_max.max(greatest));
        let (least, greatest) = time_bounds(rows, "received_at");
        (meta.received_min, meta.received_max) = (
            meta.received_min.min(least),
            meta.received_max.max(greatest),
        );
        meta.weighted |= is_weighted(rows);
        for (key, kinds) in overflow_kinds(rows) {
            note_overflow(meta, &self.listed, key, kinds);
        }
        for (column, values) in self.columns.iter().zip(rows.columns()) {
            let stats = self.stats.entry(column.id).or_default();
            stats.nulls += values.null_count() as u64;
            if let Some(bounds) = bounds(column, values) {
                stats.bounds = Some(widened(stats.bounds.take(), bounds));
            }
        }
        self.writer
            .write(rows)
            .await
            .map_err(|source| self.error(source))
    }

    /// Where the object will be, below the catalogue's data path.
    #[must_use]
    pub fn object_path(&self) -> String {
        object_path(self.meta.table, &self.meta.file_name)
    }

    /// Closes the object; it is durable then, but in no catalogue yet.
    ///
    /// # Errors
    /// The object can't be written.
    pub async fn finish(mut self) -> Result<PartMeta, Error> {
        self.writer
            .finish()
            .await
            .map_err(|source| self.error(source))?;
        let path = location(&self.meta);
        let size = self.store.head(&path).await?.size;
        let end = self
            .store
            .get_range(&path, size - FOOTER_END_BYTES..size)
            .await?;
        let footer = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
        let mut meta = self.meta;
        meta.checksums = self.writer.into_inner().checksums().into();
        (meta.size_bytes, meta.footer_bytes) = (size, u64::from(footer));
        meta.stats = self
            .stats
            .into_iter()
            .map(|(column_id, stats)| ColumnStats {
                column_id,
                null_count: stats.nulls,
                bounds: stats.bounds,
            })
            .filter(|stats| stats.bounds.is_some())
            .collect();
        Ok(meta)
    }

    fn error(&self, source: ParquetError) -> Error {
        Error::Parquet {
            path: location(&self.meta).to_string(),
            source,
        }
    }
}

fn note_overflow(meta: &mut PartMeta, listed: &BTreeSet<String>, key: String, kinds: Kinds) {
    let room = meta.overflow.len() < OVERFLOW_KEYS_MAX || listed.contains(&key);
    match meta.overflow.get_mut(&key) {
        Some(known) => *known = kinds.union(*known),
        None if room => _ = meta.overflow.insert(key, kinds),
        None => meta.overflow_complete = false,
    }
}

fn properties(columns: &[Arc<Column>], searched: &BTreeSet<i64>) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("crawlspace ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        // Together, so that whoever asks one of each row group reads few places.
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in columns {
        let path = ColumnPath::new(vec![column.stored_name.clone()]);
        builder = match column.column_type {
            // Neighbouring rows are of one trace, so their times are near each other.
            ColumnType::Time => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            // Nearly unique, and near each other in their order of magnitude only: packed, there is nothing left to
            // compress, and nothing to be read but bits.
            ColumnType::Int if column.name == "duration_ns" => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                .set_column_compression(path, Compression::UNCOMPRESSED),
            // Nearly unique. No Bloom filter: DuckDB 1.5 asks one about a blob's text and finds nothing.
            ColumnType::TraceId | ColumnType::SpanId => {
                builder.set_column_dictionary_enabled(path, false)
            }
            _ if searched.contains(&column.id) => {
                builder.set_column_bloom_filter_fpp(path, BLOOM_FALSE_SHARE)
            }
            _ => builder,
        };
    }
    builder.build()
}

/// The least and greatest value as DuckLake writes them, for the columns that other engines prune by.
fn bounds(column: &Column, values: &ArrayRef) -> Option<(String, String)> {
    match column.name.as_str() {
        "time" | "received_at" => {
            let times = values.as_primitive::<TimestampNanosecondType>();
            Some((
                time_text(UnixNanos(min(times)?)),
                time_text(UnixNanos(max(times)?)),
            ))
        }
        "service.name" => {
            let text = arrow::compute::cast(values, &DataType::Utf8).ok()?;
            let text = text.as_string::<i32>();
            Some((min_string(text)?.to_owned(), max_string(text)?.to_owned()))
        }
        _ => None,
    }
}

/// Bounds that cover both. The texts of one column order as its values do: times have one width, strings are themselves.
fn widened(known: Option<(String, String)>, new: (String, String)) -> (String, String) {
    match known {
        Some((least, greatest)) => (least.min(new.0), greatest.max(new.1)),
        None => new,
    }
}
