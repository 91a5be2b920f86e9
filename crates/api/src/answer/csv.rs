//! RFC 4180 with a header row: lines end with CR LF, a null is empty, an empty text is `""`. Times are RFC 3339 in UTC
//! with nine digits of a second, integers have all their digits, lists and maps are JSON.

use std::io;
use std::io::Write as _;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampNanosecondType};
use arrow::temporal_conversions::timestamp_ns_to_datetime;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use crawlspace_query::Footer;

use super::Encoder;
use crate::cell;

static OPTIONS: FormatOptions<'static> = FormatOptions::new();

pub(super) struct Csv {
    schema: SchemaRef,
}

impl Csv {
    pub fn new(schema: &SchemaRef) -> Self {
        Self {
            schema: SchemaRef::clone(schema),
        }
    }
}

impl Encoder for Csv {
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for (i, field) in self.schema.fields().iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_field(field.name(), &mut out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        let columns = rows.columns().iter().map(readable);
        let columns = columns.collect::<io::Result<Vec<_>>>()?;
        let cells = columns.iter().map(writer).collect::<io::Result<Vec<_>>>()?;
        let mut out = Vec::with_capacity(rows.num_rows() * cells.len() * 16);
        for row in 0..rows.num_rows() {
            for (i, (cell, column)) in cells.iter().zip(&columns).enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                if !column.is_null(row) {
                    cell(row, &mut out);
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(out)
    }

    fn end(&mut self, _: &Footer) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// The column without dictionaries, times in nanoseconds.
fn readable(column: &ArrayRef) -> io::Result<ArrayRef> {
    let wanted = match column.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        _ => return Ok(ArrayRef::clone(column)),
    };
    cast(column, &wanted).map_err(io::Error::other)
}

fn writer(column: &ArrayRef) -> io::Result<cell::Cell<'_>> {
    Ok(match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts =
                ArrayFormatter::try_new(column.as_ref(), &OPTIONS).map_err(io::Error::other)?;
            Box::new(move |row, out| write_field(&texts.value(row).to_string(), out))
        }
        DataType::Timestamp(_, _) => {
            let times = column.as_primitive::<TimestampNanosecondType>();
            Box::new(move |row, out| {
                let time = timestamp_ns_to_datetime(times.value(row));
                let time = time.map(|time| time.format("%Y-%m-%dT%H:%M:%S%.9fZ"));
                _ = time.map(|time| write!(out, "{time}"));
            })
        }
        _ => {
            let json = cell::cell(column.as_ref());
            Box::new(move |row, out| {
                let mut text = Vec::new();
                json(row, &mut text);
                // What JSON writes as text has no characters to escape here: large integers, NaN, hex, dates.
                let plain = text
                    .strip_prefix(b"\"")
                    .and_then(|text| text.strip_suffix(b"\""));
                write_field(&String::from_utf8_lossy(plain.unwrap_or(&text)), out);
            })
        }
    })
}

fn write_field(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
