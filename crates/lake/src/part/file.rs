//! Rows to the bytes of a Parquet file: texts by our own encoder, the rest by Parquet's.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Field, SchemaRef};
use bytes::Bytes;
use crawlspace_model::table::text_type;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::texts::{Limits, TextEncoder};

type Result<T> = std::result::Result<T, ParquetError>;

pub(super) struct FileEncoder {
    file: SerializedFileWriter<Vec<u8>>,
    others: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// Names of the columns that get a Bloom filter.
    searched: Vec<String>,
    limits: Limits,
    /// The columns of the row group that is being filled.
    group: Vec<ColumnEncoder>,
    rows: usize,
}

enum ColumnEncoder {
    Texts(Box<TextEncoder>),
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

    /// Adds rows of several batches, given as (batch, row). `others` are their columns but the texts.
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
            if is_text(field) {
                let texts = batches
                    .iter()
                    .map(|batch| batch.column(index).as_dictionary());
                if let Some(ColumnEncoder::Texts(column)) = columns.next() {
                    column.push(&texts.collect::<Vec<_>>(), rows)?;
                }
                continue;
            }
            for leaf in others
                .next()
                .map_or_else(|| Ok(Vec::new()), |values| compute_leaves(field, values))?
            {
                if let Some(ColumnEncoder::Other(column)) = columns.next() {
                    column.write(&leaf)?;
                }
            }
        }
        self.rows += rows.len();
        Ok(())
    }

    fn begin_group(&self) -> Result<Vec<ColumnEncoder>> {
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
                if !field.is_ok_and(is_text) {
                    return Ok(ColumnEncoder::Other(other));
                }
                let is_searched = self.searched.contains(&path.parts()[0]);
                let compression = properties.compression(path);
                let texts = TextEncoder::new(
                    Arc::clone(descriptor),
                    is_searched,
                    compression,
                    self.limits,
                )?;
                Ok(ColumnEncoder::Texts(Box::new(texts)))
            });
        columns.collect()
    }

    fn end_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in self.group.drain(..) {
            match column {
                ColumnEncoder::Texts(column) => {
                    let (bytes, close) = column.finish()?;
                    group.append_column(&bytes, close)?;
                }
                ColumnEncoder::Other(column) => column.close()?.append_to_row_group(&mut group)?,
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

/// Whether a column is encoded by codes.
pub(crate) fn is_text(field: &Field) -> bool {
    *field.data_type() == text_type()
}
