//! An answer of the query engine in the form its reader wants, sent batch by batch as it is found. An answer that breaks
//! off says so in a way that its format has, or breaks the connection: it never looks whole.

mod arrow_stream;
mod csv;
mod format;
mod json;
mod ndjson;
mod otlp;
mod parquet;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, TRAILER};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crawlspace_model::ErrorKind;
use crawlspace_query::{Footer, Piece, Records, Running};
use crawlspace_wire::otlp::ContentType;
use futures::stream::{self, BoxStream, StreamExt as _};
use http_body::Frame;
use serde_json::Value;

use crate::problem::Problem;
pub(crate) use format::{Format, FormatParameters, Wanted};
pub(crate) use ndjson::objects;

/// The trailer with the footer, as JSON in ASCII.
const FOOTER: HeaderName = HeaderName::from_static("crawlspace-footer");

/// The shape of an answer in JSON, for its description.
#[derive(utoipa::ToSchema)]
#[schema(as = Answer, example = json!({
    "columns": [{"name": "name", "type": "string"}, {"name": "spans", "type": "int64"}],
    "rows": [["GET /", 1204], ["POST /checkout", 317]],
    "footer": {
        "rows": 2, "rows_found": 2, "cut": false, "elapsed_ms": 8.1, "rows_scanned": 1521, "rows_in_memory": 321,
        "parts_scanned": 2, "bytes_scanned": 20480, "position": 77, "newest_received_at": "1795391410034000000",
        "newest_age_ms": 812.5, "sampled": false, "damaged_parts": 0
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

/// Writes an answer in one format, piece by piece.
trait Encoder: Send {
    /// What comes before the first row.
    fn head(&mut self) -> io::Result<Vec<u8>>;
    /// Takes what belongs to the rows that come next.
    fn events(&mut self, _: Vec<RecordBatch>) {}
    fn rows(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>>;
    /// What comes after the last row.
    fn end(&mut self, footer: &Footer) -> io::Result<Vec<u8>>;
    /// What tells that the answer is not whole, where the format can: without it, the connection is broken.
    fn broken(&mut self, _problem: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

pub(crate) fn response(running: Running, format: Format) -> Result<Response, Problem> {
    let encoder: io::Result<Box<dyn Encoder>> = match format {
        Format::Json => Ok(Box::new(json::Json::new(running.schema()))),
        Format::NdJson => Ok(Box::new(ndjson::NdJson::new(running.schema()))),
        Format::Csv => Ok(Box::new(csv::Csv::new(running.schema()))),
        Format::Arrow => arrow_stream::ArrowStream::new(running.schema()).map(|e| Box::new(e) as _),
        Format::Parquet => parquet::Parquet::new(running.schema()).map(|e| Box::new(e) as _),
        Format::Otlp | Format::OtlpProtobuf => Err(io::Error::other(
            "OTLP holds events themselves, by /api/v1/query without `group_by` and `calculate`",
        )),
    };
    let encoder = encoder.map_err(|error| {
        let detail = format!("this answer can't be given as {}: {error}", format.name());
        Problem::new(ErrorKind::BadInput, detail)
    })?;
    Ok(send(Source::Rows(running), encoder, format))
}

/// Events themselves, as OTLP.
pub(crate) fn records(
    records: Records,
    format: Format,
    content_type: ContentType,
) -> Result<Response, Problem> {
    let encoder = Box::new(otlp::Otlp::new(records.table, content_type)?);
    Ok(send(Source::Records(Box::new(records)), encoder, format))
}

fn send(source: Source, encoder: Box<dyn Encoder>, format: Format) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (TRAILER, HeaderValue::from(FOOTER)),
    ];
    let state = Sending {
        source,
        encoder,
        stage: Stage::Head,
    };
    let frames = stream::unfold(state, Sending::next).boxed();
    (headers, Body::new(Frames(frames))).into_response()
}

/// Where an answer comes from.
enum Source {
    Rows(Running),
    Records(Box<Records>),
}

/// A body of frames.
struct Frames(BoxStream<'static, io::Result<Frame<Bytes>>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_next_unpin(context)
    }
}

/// How far an answer has been sent.
enum Stage {
    Head,
    Rows,
    Trailer(Box<Footer>),
    Done,
}

struct Sending {
    source: Source,
    encoder: Box<dyn Encoder>,
    stage: Stage,
}

impl Sending {
    async fn next(mut self) -> Option<(io::Result<Frame<Bytes>>, Self)> {
        let frame = loop {
            match self.piece().await {
                // A frame without bytes would end some bodies.
                Ok(Some(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                Ok(Some(frame)) => break Ok(frame),
                Ok(None) => return None,
                Err(error) => {
                    self.stage = Stage::Done;
                    break Err(error);
                }
            }
        };
        Some((frame, self))
    }

    async fn found(&mut self) -> Result<Piece, crawlspace_query::Error> {
        match &mut self.source {
            Source::Rows(running) => running.next().await,
            Source::Records(records) => {
                let (piece, events) = records.next().await?;
                self.encoder.events(events);
                Ok(piece)
            }
        }
    }

    async fn piece(&mut self) -> io::Result<Option<Frame<Bytes>>> {
        let bytes = match std::mem::replace(&mut self.stage, Stage::Rows) {
            Stage::Head => self.encoder.head()?,
            Stage::Rows => match self.found().await {
                Ok(Piece::Rows(rows)) => self.encoder.rows(&rows)?,
                Ok(Piece::End(footer)) => {
                    let end = self.encoder.end(&footer)?;
                    self.stage = Stage::Trailer(footer);
                    end
                }
                Err(error) => {
                    self.stage = Stage::Done;
                    let text = error.to_string();
                    tracing::warn!(error = text, "an answer broke off");
                    let problem = Problem::from(error).to_json();
                    self.encoder
                        .broken(&problem)
                        .ok_or_else(|| io::Error::other(text))?
                }
            },
            Stage::Trailer(footer) => {
                self.stage = Stage::Done;
                let value = HeaderValue::try_from(ascii(&footer)).ok();
                let trailers = value.map(|value| HeaderMap::from_iter([(FOOTER, value)]));
                return Ok(trailers.map(Frame::trailers));
            }
            Stage::Done => {
                self.stage = Stage::Done;
                return Ok(None);
            }
        };
        Ok(Some(Frame::data(bytes.into())))
    }
}

/// The footer as JSON in which other characters than those of ASCII are escaped.
fn ascii(footer: &Footer) -> String {
    let json = serde_json::to_string(footer).expect("a footer has a JSON form");
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            out.extend(units.map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// The schema with plain types that every reader of files knows, and names that are there only once.
fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let names = unique_names(schema);
    let fields = schema.fields().iter().zip(names).map(|(field, name)| {
        let data_type = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            DataType::Dictionary(_, values) => match values.as_ref() {
                DataType::Utf8View => DataType::Utf8,
                other => other.clone(),
            },
            other => other.clone(),
        };
        Field::new(name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The same rows in a [`plain_schema`].
fn plain_rows(rows: &RecordBatch, schema: &SchemaRef) -> io::Result<RecordBatch> {
    let columns = rows
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast(column, field.data_type()));
    let columns = columns
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(io::Error::other)
}

/// The columns' names; one that was there before gets a number, as `name~2`.
fn unique_names(schema: &Schema) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let numbered = (2..).map(|number| format!("{}~{number}", field.name()));
        let name = std::iter::once(field.name().clone())
            .chain(numbered)
            .find(|name| !names.contains(name));
        names.push(name.expect("numbers do not end"));
    }
    names
}

#[cfg(test)]
mod tests;
