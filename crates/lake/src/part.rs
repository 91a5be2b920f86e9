//! Writing a part: one sorted Parquet file, streamed to the object store, and what the catalogue wants to know of it.

mod column;
mod delta;
mod file;
mod hybrid;
mod ids;
mod numbers;
mod order;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema};
use crawlspace_model::attribute::Kinds;
use crawlspace_model::{Table, UnixNanos};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::async_writer::AsyncFileWriter as _;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use crate::catalogue::{Column, ColumnStats, ColumnType, PartMeta, object_path, time_text};
use crate::columns::with_field_ids;
use crate::conform::overflow_kinds;
use crate::error::Error;
use crate::store::ChecksummedWriter;
use column::Limits;
use file::FileEncoder;
use file::is_coded;
pub(crate) use file::is_text;
pub(crate) use order::RowOrder;
pub(crate) use texts::OF_DIFFERENT_TEXTS;

const LIMITS: Limits = Limits {
    // What looks up a trace has to read a dictionary whole.
    dictionary_bytes: 256 << 10,
    // What a lookup of one trace has to decode of a column.
    page_rows: 8_192,
    page_bytes: 1 << 20,
    group_rows: GROUP_ROWS,
};
pub(crate) const GROUP_ROWS: usize = 131_072;
/// What merging reads of a part at a time, at the least.
const PAGE_ROWS_SHORT: usize = 4_096;
/// An object is sent in pieces of this size, of which object stores take none smaller.
const PIECE_BYTES: usize = 5 << 20;
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

/// How long a part is for.
pub enum Term {
    /// Until it is merged with many others, of each of which a page is in memory then.
    Short,
    /// Columns of these ids get a Bloom filter.
    Long { searched: BTreeSet<i64> },
}

impl Term {
    fn limits(&self) -> Limits {
        match self {
            Self::Short => Limits {
                page_rows: PAGE_ROWS_SHORT,
                ..LIMITS
            },
            Self::Long { .. } => LIMITS,
        }
    }

    fn is_searched(&self, column: &Column) -> bool {
        match self {
            Self::Short => false,
            Self::Long { searched } => searched.contains(&column.id),
        }
    }
}

/// One part while it is written.
pub struct PartWriter {
    store: Arc<dyn ObjectStore>,
    encoder: FileEncoder,
    sink: ChecksummedWriter,
    columns: Vec<Arc<Column>>,
    meta: PartMeta,
    /// Overflow keys that always have to be listed.
    listed: BTreeSet<String>,
}

impl PartWriter {
    /// Starts a part with these columns, which the batches must have in this order. `known` are all columns of the table.
    ///
    /// # Errors
    /// The object can't be created.
    pub fn new(
        store: &Arc<dyn ObjectStore>,
        table: Table,
        columns: Vec<Arc<Column>>,
        fields: &[Arc<Field>],
        known: BTreeSet<String>,
        term: &Term,
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
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let searched = columns.iter().filter(|column| term.is_searched(column));
        let searched = searched.map(|column| column.stored_name.clone()).collect();
        let limits = term.limits();
        let properties = properties(&columns, limits);
        let encoder =
            FileEncoder::new(schema, &parquet_schema, properties, searched, limits).map_err(at)?;
        let buffered = BufWriter::with_capacity(Arc::clone(store), path, PIECE_BYTES);
        let sink = ChecksummedWriter::new(buffered);
        let meta = PartMeta {
            table,
            file_name,
            rows: 0,
            size_bytes: 0,
            footer_bytes: 0,
            time_min: UnixNanos::default(),
            time_max: UnixNanos::default(),
            received_min: UnixNanos::default(),
            received_max: UnixNanos::default(),
            columns: columns.iter().map(|column| column.id).collect(),
            overflow: BTreeMap::new(),
            overflow_complete: true,
            weighted: false,
            checksums: Arc::default(),
            stats: Vec::new(),
        };
        Ok(Self {
            store: Arc::clone(store),
            encoder,
            sink,
            columns,
            meta,
            listed: known,
        })
    }

    /// Appends rows of batches, given as (batch, row); they come in the order of the table.
    ///
    /// # Errors
    /// The object can't be written.
    pub async fn write(
        &mut self,
        batches: &[RecordBatch],
        rows: &[(usize, usize)],
    ) -> Result<(), Error> {
        let others = others(batches, rows)?;
        let meta = &mut self.meta;
        meta.rows += rows.len() as u64;
        for (key, kinds) in overflow_kinds(&others) {
            note_overflow(meta, &self.listed, key, kinds);
        }
        let encoded = self.encoder.write(batches, rows, &others);
        encoded.map_err(|source| self.error(source))?;
        self.send().await
    }

    async fn send(&mut self) -> Result<(), Error> {
        let bytes = self.encoder.take();
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.sink.write(bytes).await;
        sent.map_err(|source| self.error(source))
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
        let encoded = self.encoder.finish();
        let metadata = encoded.map_err(|source| self.error(source))?;
        self.send().await?;
        let completed = self.sink.complete().await;
        completed.map_err(|source| self.error(source))?;
        let path = location(&self.meta);
        let size = self.store.head(&path).await?.size;
        let end = self
            .store
            .get_range(&path, size - FOOTER_END_BYTES..size)
            .await?;
        let footer = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
        let mut meta = self.meta;
        meta.checksums = self.sink.checksums().into();
        (meta.size_bytes, meta.footer_bytes) = (size, u64::from(footer));
        (meta.time_min, meta.time_max) = time_bounds(&metadata, "time");
        (meta.received_min, meta.received_max) = time_bounds(&metadata, "received_at");
        meta.weighted = is_weighted(&metadata);
        let stats = self
            .columns
            .iter()
            .filter_map(|column| stats(&meta, column, &metadata));
        meta.stats = stats.collect();
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

fn properties(columns: &[Arc<Column>], limits: Limits) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("crawlspace ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_data_page_row_count_limit(limits.page_rows)
        .set_data_page_size_limit(limits.page_bytes)
        .set_dictionary_page_size_limit(limits.dictionary_bytes)
        // Together, so that whoever asks one of each row group reads few places.
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in columns {
        let path = ColumnPath::new(vec![column.stored_name.clone()]);
        builder = match column.column_type {
            // Neighbouring rows are of one trace, so their times are near each other; but all rows of a request came at
            // one time.
            ColumnType::Time if column.name != "received_at" => {
                builder.set_column_dictionary_enabled(path, false)
            }
            // Nearly unique, and near each other in their order of magnitude only: packed, there is nothing left to
            // compress, and nothing to be read but bits.
            ColumnType::Int if column.name == "duration_ns" => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_compression(path, Compression::UNCOMPRESSED),
            // Nearly unique. No Bloom filter: DuckDB 1.5 asks one about a blob's text and finds nothing.
            ColumnType::TraceId => builder.set_column_dictionary_enabled(path, false),
            // In no order, so that bounds of pages tell nothing.
            ColumnType::SpanId => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::Chunk),
            _ => builder,
        };
    }
    builder.build()
}

/// The columns of rows of several batches, but those that are encoded by us.
fn others(batches: &[RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch, Error> {
    let Some(first) = batches.first() else {
        return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
    };
    let schema = first.schema();
    let places = (0..schema.fields().len()).filter(|place| !is_coded(schema.field(*place)));
    let places: Vec<usize> = places.collect();
    let columns = places.iter().map(|place| {
        let columns: Vec<&dyn Array> = batches
            .iter()
            .map(|batch| batch.column(*place).as_ref())
            .collect();
        match columns
            .iter()
            .all(|column| column.null_count() == column.len())
        {
            true => Ok(new_null_array(columns[0].data_type(), rows.len())),
            false => interleave(&columns, rows),
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let schema = Arc::new(schema.project(&places)?);
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// What other engines prune a column by, as DuckLake writes it.
fn stats(meta: &PartMeta, column: &Column, footer: &ParquetMetaData) -> Option<ColumnStats> {
    let times = |least, greatest| Some((0, (time_text(least), time_text(greatest))));
    let (null_count, bounds) = match column.name.as_str() {
        "time" => times(meta.time_min, meta.time_max),
        "received_at" => times(meta.received_min, meta.received_max),
        "service.name" => text_stats(&column.stored_name, footer),
        _ => None,
    }?;
    Some(ColumnStats {
        column_id: column.id,
        null_count,
        bounds: Some(bounds),
    })
}

/// The first and the last time of a column.
fn time_bounds(footer: &ParquetMetaData, name: &str) -> (UnixNanos, UnixNanos) {
    let bounds = statistics(footer, name).filter_map(|statistics| match statistics? {
        Statistics::Int64(bounds) => bounds.min_opt().copied().zip(bounds.max_opt().copied()),
        _ => None,
    });
    let bounds = bounds.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1)));
    bounds.map_or_else(Default::default, |(least, greatest)| {
        (UnixNanos(least), UnixNanos(greatest))
    })
}

/// Whether some row's `sample_weight` is not 1.
fn is_weighted(footer: &ParquetMetaData) -> bool {
    statistics(footer, "sample_weight").any(|statistics| match statistics {
        Some(Statistics::Double(bounds)) => {
            (bounds.min_opt(), bounds.max_opt()) != (Some(&1.0), Some(&1.0))
        }
        _ => true,
    })
}

/// What the footer says of a column, for each row group that has it.
fn statistics<'a>(
    footer: &'a ParquetMetaData,
    name: &str,
) -> impl Iterator<Item = Option<&'a Statistics>> {
    let chunks = footer.row_groups().iter().filter_map(move |group| {
        let mut chunks = group.columns().iter();
        chunks.find(|chunk| chunk.column_path().string() == name)
    });
    chunks.map(ColumnChunkMetaData::statistics)
}

/// How many rows have no text in a column, and between which texts the others are; `None` where the footer can't tell.
fn text_stats(name: &str, footer: &ParquetMetaData) -> Option<(u64, (String, String))> {
    let (mut nulls, mut bounds) = (0, None::<(String, String)>);
    for group in footer.row_groups() {
        let chunk = group
            .columns()
            .iter()
            .find(|chunk| chunk.column_path().string() == name)?;
        let statistics = chunk.statistics()?;
        let absent = statistics.null_count_opt()?;
        nulls += absent;
        if absent == chunk.num_values().unsigned_abs() {
            continue;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let least = text(statistics.min_bytes_opt()?)?;
        let greatest = text(statistics.max_bytes_opt()?)?;
        bounds = Some(match bounds {
            Some(known) => (known.0.min(least), known.1.max(greatest)),
            None => (least, greatest),
        });
    }
    Some((nulls, bounds?))
}
