//! Rows to the bytes of a Parquet file: texts, numbers and ids by our own encoder, the rest by Parquet's.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use bytes::Bytes;
use crawlspace_model::table::text_type;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::SchemaDescriptor;

use super::column::{ColumnEncoder, Limits, Result};
use super::ids::Ids;
use super::numbers::Numbers;
use super::texts::Texts;

pub(super) struct FileEncoder {
    file: SerializedFileWriter<Vec<u8>>,
    others: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// Names of the columns that get a Bloom filter.
    searched: Vec<String>,
    limits: Limits,
    /// The columns of the row group that is being filled.
    group: Vec<Encoder>,
    rows: usize,
}

enum Encoder {
    Texts(Box<ColumnEncoder<Texts>>),
    Numbers(Box<ColumnEncoder<Numbers>>),
    Ids(Box<ColumnEncoder<Ids>>),
    Other(ArrowColumnWriter),
}

impl FileEncoder {
    /// Batches will be of `schema`, whose columns are those of `parquet_schema`.
    pub fn new(
        schema: SchemaRef,
        parquet_schema: &SchemaDescriptor,
        properties: WriterProperties,
        searched: Vec<String>,
        limits: Limits,
    ) -> Result<Self> {
        let root = parquet_schema.root_schema_ptr();
        let file = SerializedFileWriter::new(Vec::new(), root, Arc::new(properties))?;
        let others = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        Ok(Self {
            file,
            others,
            schema,
            searched,
            limits,
            group: Vec::new(),
            rows: 0,
        })
    }

    /// Adds rows of several batches, given as (batch, row). `others` are their columns but those that are encoded by codes.
    pub fn write(
        &mut self,
        batches: &[RecordBatch],
        rows: &[(usize, usize)],
        others: &RecordBatch,
    ) -> Result<()> {
        let mut start = 0;
        while start < rows.len() {
            let count = (rows.len() - start).min(self.limits.group_rows - self.rows);
            let others = others.slice(start, count);
            self.add(batches, &rows[start..start + count], &others)?;
            start += count;
            if self.rows == self.limits.group_rows {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        batches: &[RecordBatch],
        rows: &[(usize, usize)],
        others: &RecordBatch,
    ) -> Result<()> {
        if self.group.is_empty() {
            self.group = self.begin_group()?;
        }
        let (mut columns, mut others) = (self.group.iter_mut(), others.columns().iter());
        for (index, field) in self.schema.fields().iter().enumerate() {
            if is_coded(field) {
                let batches = batches.iter().map(|batch| batch.column(index));
                match columns.next() {
                    Some(Encoder::Texts(column)) => {
                        let texts = batches.map(|batch| batch.as_dictionary());
                        column.push_texts(&texts.collect::<Vec<_>>(), rows)?;
                    }
                    Some(Encoder::Numbers(column)) => {
                        column.push_numbers(&batches.collect::<Vec<_>>(), rows)?;
                    }
                    Some(Encoder::Ids(column)) => {
                        column.push_ids(&batches.collect::<Vec<_>>(), rows)?;
                    }
                    Some(Encoder::Other(_)) | None => {}
                }
                continue;
            }
            for leaf in others
                .next()
                .map_or_else(|| Ok(Vec::new()), |values| compute_leaves(field, values))?
            {
                if let Some(Encoder::Other(column)) = columns.next() {
                    column.write(&leaf)?;
                }
            }
        }
        self.rows += rows.len();
        Ok(())
    }

    fn begin_group(&self) -> Result<Vec<Encoder>> {
        let number = self.file.flushed_row_groups().len();
        let others = self.others.create_column_writers(number)?;
        let descriptors = self.file.schema_descr().columns();
        let properties = self.file.properties();
        let columns = others
            .into_iter()
            .zip(descriptors)
            .map(|(other, descriptor)| {
                let path = descriptor.path();
                let field = self.schema.field_with_name(&path.parts()[0]);
                let Some(field) = field.ok().filter(|field| is_coded(field)) else {
                    return Encoder::Other(other);
                };
                let (descriptor, limits) = (Arc::clone(descriptor), self.limits);
                let compression = properties.compression(path);
                if is_text(field) {
                    let is_searched = self.searched.contains(&path.parts()[0]);
                    let texts = Texts::new(limits.dictionary_bytes, is_searched);
                    let texts = ColumnEncoder::new(descriptor, compression, limits, texts, true);
                    return Encoder::Texts(Box::new(texts));
                }
                if let DataType::FixedSizeBinary(width) = field.data_type() {
                    let of_pages = properties.statistics_enabled(path) == EnabledStatistics::Page;
                    let ids = Ids::new(width.unsigned_abs() as usize, of_pages);
                    let ids = ColumnEncoder::new(descriptor, compression, limits, ids, false);
                    return Encoder::Ids(Box::new(ids));
                }
                let has_dictionary = properties.dictionary_enabled(path);
                let is_double = *field.data_type() == DataType::Float64;
                let numbers = Numbers::new(is_double, limits.dictionary_bytes);
                let numbers =
                    ColumnEncoder::new(descriptor, compression, limits, numbers, has_dictionary);
                Encoder::Numbers(Box::new(numbers))
            });
        Ok(columns.collect())
    }

    fn end_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in self.group.drain(..) {
            match column {
                Encoder::Texts(column) => append(&mut group, column.finish()?)?,
                Encoder::Numbers(column) => append(&mut group, column.finish()?)?,
                Encoder::Ids(column) => append(&mut group, column.finish()?)?,
                Encoder::Other(column) => column.close()?.append_to_row_group(&mut group)?,
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(self.file.flush()?)
    }

    /// Ends the file, and gives what its footer says.
    pub fn finish(&mut self) -> Result<ParquetMetaData> {
        self.end_group()?;
        let metadata = self.file.finish()?;
        self.file.flush()?;
        Ok(metadata)
    }

    /// What is written so far and was not taken yet.
    pub fn take(&mut self) -> Bytes {
        std::mem::take(self.file.inner_mut()).into()
    }
}

fn append(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    (bytes, close): (Bytes, ColumnCloseResult),
) -> Result<()> {
    group.append_column(&bytes, close)
}

/// Whether a column is encoded by us.
pub(super) fn is_coded(field: &Field) -> bool {
    let numbers = [
        DataType::Int64,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Float64,
    ];
    let is_id = matches!(field.data_type(), DataType::FixedSizeBinary(_));
    is_text(field) || is_id || numbers.contains(field.data_type())
}

/// Whether a column has texts, in memory as a dictionary and a number for each row.
pub(crate) fn is_text(field: &Field) -> bool {
    *field.data_type() == text_type()
}
