//! An answer of the query engine as JSON: `{"columns":[{"name","type"}],"rows":[[…]],"footer":{…}}`, written batch by
//! batch as the client reads.

use std::convert::Infallible;
use std::iter;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crawlspace_query::{Answer, Footer};
use futures::stream;
use serde_json::Value;

use crate::cell;

/// The shape of an answer in JSON, for its description.
#[derive(utoipa::ToSchema)]
#[schema(as = Answer, example = json!({
    "columns": [{"name": "name", "type": "string"}, {"name": "spans", "type": "int64"}],
    "rows": [["GET /", 1204], ["POST /checkout", 317]],
    "footer": {
        "rows": 2, "rows_found": 2, "cut": false, "elapsed_ms": 8.1, "rows_scanned": 1521, "rows_in_memory": 321,
        "parts_scanned": 2, "bytes_scanned": 20480, "position": 77, "sampled": false, "damaged_parts": 0
    }
}))]
#[expect(dead_code, reason = "answers are written piece by piece")]
pub(crate) struct AnswerBody {
    columns: Vec<ColumnBody>,
    /// A cell for each column: null, or as the column's type says.
    rows: Vec<Vec<Value>>,
    footer: Footer,
}

/// A column of an answer.
#[derive(utoipa::ToSchema)]
#[schema(as = Column)]
#[expect(dead_code, reason = "answers are written piece by piece")]
pub(crate) struct ColumnBody {
    name: String,
    /// `string`, `int64`, `float64`, `boolean`, `timestamp_ns`, `binary`, `list`, `map`, and so on.
    r#type: String,
}

pub(crate) fn response(answer: Answer) -> Response {
    let json = HeaderValue::from_static("application/json");
    let pieces = pieces(answer).map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    (
        [(CONTENT_TYPE, json)],
        Body::from_stream(stream::iter(pieces)),
    )
        .into_response()
}

fn pieces(answer: Answer) -> impl Iterator<Item = Vec<u8>> {
    let Answer {
        schema,
        batches,
        footer,
    } = answer;
    let mut is_first = true;
    let rows = batches
        .into_iter()
        .map(move |batch| rows(&batch, &mut is_first));
    iter::once(head(&schema))
        .chain(rows)
        .chain(iter::once_with(move || tail(&footer)))
}

fn head(schema: &SchemaRef) -> Vec<u8> {
    let mut out = b"{\"columns\":[".to_vec();
    for (i, field) in schema.fields().iter().enumerate() {
        out.extend_from_slice(if i > 0 { b",{\"name\":" } else { b"{\"name\":" });
        cell::write_text(field.name(), &mut out);
        out.extend_from_slice(b",\"type\":");
        cell::write_text(cell::type_name(field.data_type()), &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"rows\":[");
    out
}

fn rows(batch: &RecordBatch, is_first: &mut bool) -> Vec<u8> {
    let cells: Vec<cell::Cell<'_>> = batch
        .columns()
        .iter()
        .map(|column| cell::cell(column.as_ref()))
        .collect();
    let mut out = Vec::with_capacity(batch.num_rows() * cells.len() * 16);
    for row in 0..batch.num_rows() {
        if !std::mem::take(is_first) {
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
    out
}

fn tail(footer: &Footer) -> Vec<u8> {
    let mut out = b"],\"footer\":".to_vec();
    serde_json::to_writer(&mut out, footer).expect("a footer has a JSON form");
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests;
