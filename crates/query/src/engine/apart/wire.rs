//! What the server and a worker say to each other over their socket: frames of a kind, a stream's number and a length.
//! Words are JSON, rows are Arrow's IPC stream format, in pieces.

use std::io::{self, Read};
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use crawlspace_lake::TableOutline;
use crawlspace_model::{ErrorKind, Table};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::filter::Filter;
use super::grouped::{AskedGrouping, AskedNewest};
use crate::error::Error;

/// The most that a worker may send at once: the server has to hold it.
pub(super) const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Rows are cut into pieces of about so many bytes.
const PIECE_BYTES: usize = 4 << 20;
const PIECE_ROWS: usize = 16_384;
/// Pieces of a stream that are sent before the first one has been used.
pub(super) const PIECES_AHEAD: usize = 3;
/// The stream of answers.
pub(super) const ANSWER: u32 = 0;

/// Each message of Arrow's stream format begins so.
const MESSAGE_MARK: [u8; 4] = [0xff; 4];

const HEAD_BYTES: usize = 9;
const WORDS: u8 = 0;
const ROWS: u8 = 1;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Ask(Ask),
    /// The scan can be read, in so many streams.
    Opened {
        scan: u32,
        partitions: usize,
    },
    /// The scan can't be read. Why, the server says itself.
    Unopened {
        scan: u32,
    },
    End {
        stream: u32,
        is_whole: bool,
    },
}

/// A question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask {
    pub sql: String,
    /// Rows to give at most; further ones are counted.
    pub keep: usize,
    pub time_limit: Duration,
    /// Of the tables that it names.
    pub tables: Vec<TableOutline>,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// For a question: it has just been started, or nothing of the last one goes on in it any more.
    Ready,
    Open {
        scan: u32,
        scanning: Scanning,
    },
    Read {
        scan: u32,
        partition: usize,
        stream: u32,
        /// The columns of conditions that may come with [`Report::More`].
        narrowing: Vec<String>,
    },
    /// One more piece may come. From now on only rows that fulfil the condition are needed.
    More {
        stream: u32,
        narrower: Option<Filter>,
    },
    Close {
        stream: u32,
    },
    /// The answer is whole, but for rows that were not wanted: so many were found, if that is known.
    Done {
        found: Option<u64>,
    },
    Failed(Failure),
}

/// Rows of a table that a worker needs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Scanning {
    pub table: Table,
    /// By the names that queries use.
    pub columns: Vec<String>,
    /// Rows that do not match may be left out.
    pub filters: Vec<Filter>,
    pub limit: Option<usize>,
    /// The groups of rows that match, and no rows.
    pub grouping: Option<AskedGrouping>,
    /// With a grouping by time: the newest rows in the place of groups.
    pub newest: Option<AskedNewest>,
}

/// An error of a worker's, with what is told of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    Syntax {
        message: String,
        line: u64,
        column: u64,
    },
    UnknownField {
        name: String,
        suggestion: Option<String>,
    },
    TimeLimit,
    BadInput(String),
    TooLarge(String),
    Other(String),
}

impl Failure {
    pub(super) fn of(error: Error) -> Self {
        match error {
            Error::Syntax {
                message,
                line,
                column,
            } => Self::Syntax {
                message,
                line,
                column,
            },
            Error::UnknownField { name, suggestion } => Self::UnknownField { name, suggestion },
            Error::TimeLimit { .. } => Self::TimeLimit,
            error => match error.kind() {
                ErrorKind::BadInput => Self::BadInput(error.to_string()),
                ErrorKind::TooLarge => Self::TooLarge(error.to_string()),
                _ => Self::Other(error.to_string()),
            },
        }
    }

    pub(super) fn into_error(self, limit: Duration) -> Error {
        let told = |kind, message| Error::Told { kind, message };
        match self {
            Self::Syntax {
                message,
                line,
                column,
            } => Error::Syntax {
                message,
                line,
                column,
            },
            Self::UnknownField { name, suggestion } => Error::UnknownField { name, suggestion },
            Self::TimeLimit => Error::TimeLimit { limit },
            Self::BadInput(message) => told(ErrorKind::BadInput, message),
            Self::TooLarge(message) => told(ErrorKind::TooLarge, message),
            Self::Other(message) => told(ErrorKind::Internal, message),
        }
    }
}

/// What has been received.
#[derive(Debug)]
pub(super) enum Frame<M> {
    Words(M),
    Rows(u32, Buffer),
}

/// Words as a frame.
pub(super) fn words(words: &impl Serialize) -> Vec<u8> {
    let mut frame = vec![0; HEAD_BYTES];
    serde_json::to_writer(&mut frame, words).expect("words have a JSON form");
    headed(frame, WORDS, 0)
}

fn headed(mut frame: Vec<u8>, kind: u8, stream: u32) -> Vec<u8> {
    let length = u32::try_from(frame.len() - HEAD_BYTES).expect("pieces are smaller than that");
    frame[0] = kind;
    frame[1..5].copy_from_slice(&stream.to_le_bytes());
    frame[5..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    frame
}

/// Kind, stream and length.
fn head_of(head: [u8; HEAD_BYTES]) -> (u8, u32, usize) {
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    (head[0], number(1), number(5) as usize)
}

fn frame<M: DeserializeOwned>(kind: u8, stream: u32, body: MutableBuffer) -> io::Result<Frame<M>> {
    match kind {
        WORDS => Ok(Frame::Words(serde_json::from_slice(&body)?)),
        ROWS => Ok(Frame::Rows(stream, body.into())),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no such kind of frame",
        )),
    }
}

/// The next frame; `None` at the end. Never a frame of more than `bytes_max`.
pub(super) async fn receive<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Option<Frame<M>>> {
    let mut head = [0; HEAD_BYTES];
    match from.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    };
    let (kind, stream, length) = head_of(head);
    if length > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a frame is too long",
        ));
    }
    let mut body = MutableBuffer::from_len_zeroed(length);
    from.read_exact(&mut body).await?;
    frame(kind, stream, body).map(Some)
}

/// The same for a thread that may wait.
pub(super) fn receive_blocking<M: DeserializeOwned>(
    from: &mut impl Read,
) -> io::Result<Option<Frame<M>>> {
    let mut head = [0; HEAD_BYTES];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let (kind, stream, length) = head_of(head);
    let mut body = MutableBuffer::from_len_zeroed(length);
    from.read_exact(&mut body)?;
    frame(kind, stream, body).map(Some)
}

/// Rows of one stream as frames.
pub(super) struct Encoder {
    stream: u32,
    writer: StreamWriter<Vec<u8>>,
}

impl Encoder {
    pub(super) fn new(stream: u32, schema: &Schema) -> Result<Self, ArrowError> {
        let writer = StreamWriter::try_new(vec![0; HEAD_BYTES], schema)?;
        Ok(Self { stream, writer })
    }

    /// What has been encoded since.
    pub(super) fn frame(&mut self) -> Vec<u8> {
        let encoded = std::mem::replace(self.writer.get_mut(), vec![0; HEAD_BYTES]);
        headed(encoded, ROWS, self.stream)
    }

    pub(super) fn encode(&mut self, piece: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.writer.write(&compacted(piece)?)?;
        Ok(self.frame())
    }
}

/// Rows of one stream from frames.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    decoder: StreamDecoder,
    /// Whether the mark that the next frame begins with has been read already.
    is_ahead: bool,
}

impl Decoder {
    pub(super) fn schema(&self) -> Option<SchemaRef> {
        self.decoder.schema()
    }

    /// A frame has one piece of rows at most.
    pub(super) fn decode(&mut self, mut frame: Buffer) -> Result<Option<RecordBatch>, ArrowError> {
        if self.is_ahead {
            if !frame.starts_with(&MESSAGE_MARK) {
                return Err(ArrowError::IpcError("no message begins here".to_owned()));
            }
            frame.advance(MESSAGE_MARK.len());
        }
        // The decoder looks at a message without a body, as rows without columns are, when the next one begins.
        let mut rows = None;
        for mut bytes in [frame, Buffer::from(&MESSAGE_MARK)] {
            while !bytes.is_empty() {
                rows = self.decoder.decode(&mut bytes)?.or(rows);
            }
        }
        self.is_ahead = true;
        Ok(rows)
    }
}

/// The rows in pieces that are not large, if no single row is.
pub(super) fn pieces(rows: &RecordBatch) -> Vec<RecordBatch> {
    let count = rows.num_rows();
    let is_small = count <= PIECE_ROWS && bytes_of(rows) <= PIECE_BYTES;
    if count <= 1 || is_small || rows.num_columns() == 0 {
        return vec![rows.clone()];
    }
    let half = count / 2;
    let mut all = pieces(&rows.slice(0, half));
    all.extend(pieces(&rows.slice(half, count - half)));
    all
}

/// What the rows themselves take, however much the buffers hold that they share with others.
fn bytes_of(rows: &RecordBatch) -> usize {
    let columns = rows.columns().iter();
    let bytes = columns.map(|column| match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            texts.views().len() * 16 + texts.total_buffer_bytes_used()
        }
        _ => column
            .to_data()
            .get_slice_memory_size()
            .unwrap_or(usize::MAX / 1_024),
    });
    bytes.sum()
}

/// IPC sends the buffers of views whole. Texts that use little of theirs get new ones; those that repeat the texts of a
/// dictionary keep them.
fn compacted(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = rows.columns().iter().map(|column| {
        let Some(texts) = column.as_string_view_opt() else {
            return column.clone();
        };
        let held: usize = texts.data_buffers().iter().map(Buffer::len).sum();
        match held > texts.total_buffer_bytes_used() {
            true => std::sync::Arc::new(texts.gc()) as _,
            false => column.clone(),
        }
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(rows.schema(), columns.collect(), &options)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, RecordBatchOptions, StringViewArray};
    use arrow::buffer::Buffer;
    use arrow::datatypes::Schema;

    use super::{Decoder, Encoder, HEAD_BYTES, pieces};

    fn received(rows: &[RecordBatch]) -> Vec<RecordBatch> {
        let mut encoder = Encoder::new(1, &rows[0].schema()).unwrap();
        let mut decoder = Decoder::default();
        let mut take = |frame: Vec<u8>| {
            let rows = decoder.decode(Buffer::from(&frame[HEAD_BYTES..])).unwrap();
            assert!(decoder.schema().is_some());
            rows
        };
        assert_eq!(take(encoder.frame()), None);
        let rows = rows.iter().map(|rows| encoder.encode(rows).unwrap());
        rows.map(|frame| take(frame).unwrap()).collect()
    }

    #[test]
    fn each_frame_gives_its_rows_at_once_with_columns_and_without() {
        let none = |count| {
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        };
        let counted = [none(1).unwrap(), none(0).unwrap(), none(8_192).unwrap()];
        assert_eq!(received(&counted), counted);
        let numbers = Arc::new(Int64Array::from_iter_values(0..100));
        let long = (0..100).map(|number| format!("a text that stands in a buffer, {number}"));
        let texts = Arc::new(StringViewArray::from_iter_values(long));
        let fields = ["n", "t"].into_iter().zip([numbers as _, texts as _]);
        let rows = RecordBatch::try_from_iter(fields).unwrap();
        let rows = [rows.slice(0, 60), rows.slice(60, 1), rows.slice(0, 0)];
        assert_eq!(received(&rows), rows);
    }

    #[test]
    fn pieces_are_small_and_together_the_rows() {
        let text = "x".repeat(10_000);
        let texts = StringViewArray::from_iter_values((0..2_000).map(|_| text.as_str()));
        let rows = RecordBatch::try_from_iter([("t", Arc::new(texts) as _)]).unwrap();
        let pieces = pieces(&rows);
        assert!(pieces.len() > 4);
        let count: usize = pieces.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(count, 2_000);
    }
}
