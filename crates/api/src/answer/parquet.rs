//! A Parquet file, sent row group by row group. The answer's footer is in the file's metadata, `crawlspace.footer`; a file
//! that broke off has no end, and no reader takes it.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crawlspace_query::Footer;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{Encoder, plain_rows, plain_schema};

/// Rows that are held until they are a row group.
const ROW_GROUP_ROWS: usize = 65_536;
const FOOTER: &str = "crawlspace.footer";

pub(super) struct Parquet {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl Parquet {
    pub fn new(schema: &SchemaRef) -> io::Result<Self> {
        let schema = plain_schema(schema);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("crawlspace ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties))
            .map_err(io::Error::other)?;
        Ok(Self { schema, writer })
    }

    fn written(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }
}

impl Encoder for Parquet {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.written())
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let rows = plain_rows(rows, &self.schema)?;
        self.writer.write(&rows).map_err(io::Error::other)?;
        Ok(self.written())
    }

    fn end(&mut self, footer: &Footer) -> io::Result<Vec<u8>> {
        let footer = serde_json::to_string(footer)?;
        self.writer
            .append_key_value_metadata(KeyValue::new(FOOTER.to_owned(), footer));
        self.writer.finish().map_err(io::Error::other)?;
        Ok(self.written())
    }
}
