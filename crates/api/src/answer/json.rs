//! `{"columns":[{"name","type"}],"rows":[[…]],"footer":{…}}`, or `"error"` in place of `"footer"` if it broke off.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crawlspace_query::Footer;

use super::Encoder;
use crate::cell;

pub(super) struct Json {
    schema: SchemaRef,
    is_first: bool,
}

impl Json {
    pub fn new(schema: &SchemaRef) -> Self {
        Self {
            schema: SchemaRef::clone(schema),
            is_first: true,
        }
    }
}

impl Encoder for Json {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut out = b"{\"columns\":[".to_vec();
        for (i, field) in self.schema.fields().iter().enumerate() {
            out.extend_from_slice(if i > 0 { b",{\"name\":" } else { b"{\"name\":" });
            cell::write_text(field.name(), &mut out);
            out.extend_from_slice(b",\"type\":");
            cell::write_text(cell::type_name(field.data_type()), &mut out);
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"rows\":[");
        Ok(out)
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let cells: Vec<cell::Cell<'_>> = rows
            .columns()
            .iter()
            .map(|column| cell::cell(column.as_ref()))
            .collect();
        let mut out = Vec::with_capacity(rows.num_rows() * cells.len() * 16);
        for row in 0..rows.num_rows() {
            if !std::mem::take(&mut self.is_first) {
                out.push(b',');
            }
            out.push(b'[');
            for (i, cell) in cells.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                cell(row, &mut out);
            }
            out.push(b']');
        }
        Ok(out)
    }

    fn end(&mut self, footer: &Footer) -> io::Result<Vec<u8>> {
        let mut out = b"],\"footer\":".to_vec();
        serde_json::to_writer(&mut out, footer)?;
        out.push(b'}');
        Ok(out)
    }

    fn broken(&mut self, problem: &[u8]) -> Option<Vec<u8>> {
        Some([b"],\"error\":", problem, b"}"].concat())
    }
}
