//! Events as OTLP: in JSON one document for each batch, on a line of its own, as the Collector's file
//! exporter writes; in protobuf one message, since such messages may follow one another. An answer
//! that is not whole breaks the connection. The footer is in the trailer alone.

use std::io;

use arrow::array::RecordBatch;
use crawlspace_model::{ErrorKind, Signal, Table};
use crawlspace_query::Footer;
use crawlspace_wire::otlp::{ContentType, encode};

use super::Encoder;
use crate::problem::Problem;

pub(super) struct Otlp {
    signal: Signal,
    content_type: ContentType,
    /// Those of the spans that come next.
    events: Vec<RecordBatch>,
}

impl Otlp {
    pub fn new(table: Table, content_type: ContentType) -> Result<Self, Problem> {
        let signal = match table {
            Table::Spans => Signal::Traces,
            Table::Logs => Signal::Logs,
            Table::Metrics => Signal::Metrics,
            Table::Changes => {
                let detail = "OTLP has no `changes`: ask for another format".to_owned();
                return Err(Problem::new(ErrorKind::BadInput, detail));
            }
        };
        Ok(Self {
            signal,
            content_type,
            events: Vec::new(),
        })
    }
}

impl Encoder for Otlp {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn events(&mut self, events: Vec<RecordBatch>) {
        self.events = events;
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let rows = std::slice::from_ref(rows);
        let mut bytes = encode(self.signal, self.content_type, rows, &self.events);
        if self.content_type == ContentType::Json {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    fn end(&mut self, _: &Footer) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
}
