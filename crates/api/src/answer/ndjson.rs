//! One JSON object for each row, one on each line, without the members that are null; the last line is
//! `{"$footer":{…}}`, or `{"$error":{…}}` if the answer broke off.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crawlspace_query::Footer;

use super::{Encoder, unique_names};
use crate::cell;

pub(super) struct NdJson {
    names: Vec<String>,
}

impl NdJson {
    pub fn new(schema: &SchemaRef) -> Self {
        let names = unique_names(schema);
        Self { names }
    }
}

/// Writes a row as a JSON object under these names.
fn object_writer<'a>(
    rows: &'a RecordBatch,
    names: &'a [String],
) -> impl Fn(usize, &mut Vec<u8>) + 'a {
    let cells: Vec<(Vec<u8>, cell::Cell<'a>)> = names
        .iter()
        .zip(rows.columns())
        .map(|(name, column)| {
            let mut quoted = Vec::new();
            cell::write_text(name, &mut quoted);
            quoted.push(b':');
            (quoted, cell::cell(column.as_ref()))
        })
        .collect();
    move |row, out| {
        out.push(b'{');
        let mut is_first = true;
        for ((name, cell), column) in cells.iter().zip(rows.columns()) {
            if column.is_null(row) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            out.extend_from_slice(name);
            cell(row, out);
        }
        out.push(b'}');
    }
}

/// Each row as a JSON object.
pub(crate) fn objects(rows: &RecordBatch) -> Vec<Vec<u8>> {
    let names = unique_names(rows.schema_ref());
    let write = object_writer(rows, &names);
    let object = |row| {
        let mut object = Vec::new();
        write(row, &mut object);
        object
    };
    (0..rows.num_rows()).map(object).collect()
}

impl Encoder for NdJson {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let write = object_writer(rows, &self.names);
        let mut out = Vec::with_capacity(rows.num_rows() * self.names.len() * 24);
        for row in 0..rows.num_rows() {
            write(row, &mut out);
            out.push(b'\n');
        }
        Ok(out)
    }

    fn end(&mut self, footer: &Footer) -> io::Result<Vec<u8>> {
        let mut out = b"{\"$footer\":".to_vec();
        serde_json::to_writer(&mut out, footer)?;
        out.extend_from_slice(b"}\n");
        Ok(out)
    }

    fn broken(&mut self, problem: &[u8]) -> Option<Vec<u8>> {
        Some([b"{\"$error\":", problem, b"}\n"].concat())
    }
}
