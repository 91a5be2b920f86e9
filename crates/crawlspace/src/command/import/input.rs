//! Files and streams: decompressed, their form found out, cut into batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use super::log_line::LogLines;
use super::{Batch, Signal, otlp_json, protobuf};
use crate::config::ImportFormat;
use crate::failure::Failure;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BUFFER_BYTES: usize = 256 << 10;
/// The longest line, and the longest message: what the server takes in one request.
pub const PIECE_BYTES_MAX: usize = 64 << 20;

/// What is in the files, in their order.
#[derive(Debug)]
pub enum Found {
    Batch(Batch),
    Unreadable { place: String, why: String },
}

/// What to read, and what was said about it.
pub struct Input {
    pub files: Vec<PathBuf>,
    pub format: Option<ImportFormat>,
    pub signal: Option<Signal>,
    pub service: Option<String>,
    pub bar: ProgressBar,
}

/// Where findings go; `false` when nobody takes them any more.
pub type Give<'a> = &'a mut dyn FnMut(Found) -> bool;

impl Input {
    pub fn read(self, found: &mpsc::Sender<Found>) -> Result<(), Failure> {
        let mut give = |finding| found.blocking_send(finding).is_ok();
        for path in &self.files {
            let name = match is_stdin(path) {
                true => "stdin".to_owned(),
                false => path.display().to_string(),
            };
            let read = self.file(path, &name, &mut give);
            match read.map_err(|error| unreadable(path, &error)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    fn file(&self, path: &Path, name: &str, give: Give<'_>) -> io::Result<bool> {
        let raw: Box<dyn Read> = match is_stdin(path) {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(path)?),
        };
        let counted = self.bar.wrap_read(raw);
        let mut reader = decompressed(BufReader::with_capacity(BUFFER_BYTES, counted))?;
        let format = match self.format {
            Some(format) => format,
            None => format_of(reader.fill_buf()?),
        };
        match format {
            ImportFormat::Otlp => protobuf::read(reader.as_mut(), name, self.signal, give),
            ImportFormat::Jsonl => self.lines(reader.as_mut(), name, give),
        }
    }

    /// A line is a request of OTLP, or else a log record.
    fn lines(&self, reader: &mut dyn BufRead, name: &str, give: Give<'_>) -> io::Result<bool> {
        let mut logs = LogLines::new(name, self.service.as_deref());
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let mut limited = Read::take(&mut *reader, PIECE_BYTES_MAX as u64 + 1);
            if limited.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
            let place = format!("{name}:{number}");
            if line.len() > PIECE_BYTES_MAX {
                let why = "the line is over 64 MiB: cut it into several".to_owned();
                give(Found::Unreadable { place, why });
                return Ok(true);
            }
            if number == 1 && line.trim_ascii() == b"{" {
                // One document over many lines, as people keep examples.
                Read::take(&mut *reader, PIECE_BYTES_MAX as u64).read_to_end(&mut line)?;
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let goes_on = match otlp_json::request(text) {
                Ok(Some((signal, records))) => give(Found::Batch(Batch {
                    signal,
                    is_json: true,
                    body: text.to_vec(),
                    records,
                    place,
                })),
                Ok(None) => logs.add(text, place, give),
                Err(why) => give(Found::Unreadable { place, why }),
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(logs.flush(give))
    }
}

fn decompressed<'a>(mut reader: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let start = reader.fill_buf()?;
    Ok(if start.starts_with(GZIP_MAGIC) {
        let decoder = MultiGzDecoder::new(reader);
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else if start.starts_with(ZSTD_MAGIC) {
        let decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else {
        Box::new(reader)
    })
}

/// Text that begins an object is JSON; anything else protobuf.
fn format_of(start: &[u8]) -> ImportFormat {
    match start.trim_ascii_start().first() {
        Some(b'{') | None => ImportFormat::Jsonl,
        // Protobuf has bytes that text has not, at once: lengths and tags.
        Some(_)
            if start
                .iter()
                .take(64)
                .all(|byte| *byte >= b' ' || byte.is_ascii_whitespace()) =>
        {
            ImportFormat::Jsonl
        }
        Some(_) => ImportFormat::Otlp,
    }
}

pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Wrong(format!("`{}` can't be read: {error}", path.display()))
}
