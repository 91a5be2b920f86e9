//! Arrow's IPC streaming format. Texts are plain, not views or dictionaries, which not every reader knows.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use crawlspace_query::Footer;

use super::{Encoder, plain_rows, plain_schema};

pub(super) struct ArrowStream {
    schema: SchemaRef,
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowStream {
    pub fn new(schema: &SchemaRef) -> io::Result<Self> {
        let schema = plain_schema(schema);
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(io::Error::other)?;
        Ok(Self { schema, writer })
    }

    fn written(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.get_mut())
    }
}

impl Encoder for ArrowStream {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.written())
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let rows = plain_rows(rows, &self.schema)?;
        self.writer.write(&rows).map_err(io::Error::other)?;
        Ok(self.written())
    }

    fn end(&mut self, _: &Footer) -> io::Result<Vec<u8>> {
        self.writer.finish().map_err(io::Error::other)?;
        Ok(self.written())
    }
}
