//! OTLP in protobuf: one message, or a stream of messages that each have their length before them (4 bytes, the largest
//! first, as the Collector's file exporter writes it, or protobuf's own variable length). All three kinds of requests
//! are lists of resources in field 1, so messages are joined and cut between resources without being understood whole.

use std::io::{self, BufRead, Read as _};

use super::input::{Found, Give, PIECE_BYTES_MAX};
use super::{Batch, Signal};

/// A batch is sent when it has so many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// Field 1 with a length: how a request begins.
const RESOURCE_TAG: u8 = 0x0a;
/// The highest first byte of a 4-byte length that is within the limit.
const FRAME_START_MAX: u8 = (PIECE_BYTES_MAX >> 24) as u8;

/// Reads requests and gives them in batches; `false` when nobody takes them any more.
pub fn read(
    reader: &mut dyn BufRead,
    name: &str,
    signal: Option<Signal>,
    give: Give<'_>,
) -> io::Result<bool> {
    let Some(first) = reader.fill_buf()?.first().copied() else {
        return Ok(true);
    };
    let mut batches = Batches {
        name,
        signal,
        body: Vec::new(),
        records: 0,
        number: 0,
    };
    let framing = match first {
        RESOURCE_TAG => Framing::None,
        0..=FRAME_START_MAX => Framing::Fixed,
        _ => Framing::Variable,
    };
    loop {
        let message = match next(reader, framing) {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(batches.flush(give)),
            Err(error) if is_damage(&error) => {
                let why = format!("no OTLP message begins here, or it is cut off: {error}");
                let place = batches.place(1);
                return Ok(batches.flush(give) && give(Found::Unreadable { place, why }));
            }
            Err(error) => return Err(error),
        };
        if !batches.add(&message, give) {
            return Ok(false);
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
    )
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    /// A single message: its resources are read one by one.
    None,
    Fixed,
    Variable,
}

/// The next message, which is a request by itself.
fn next(reader: &mut dyn BufRead, framing: Framing) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut message = Vec::new();
    let length = match framing {
        Framing::Fixed => {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            u64::from(u32::from_be_bytes(length))
        }
        Framing::Variable => varint_of(reader)?,
        Framing::None => {
            let mut tag = [0];
            reader.read_exact(&mut tag)?;
            if tag[0] != RESOURCE_TAG {
                return Err(invalid("a field other than a resource"));
            }
            let length = varint_of(reader)?;
            message.push(RESOURCE_TAG);
            write_varint(length, &mut message);
            length
        }
    };
    if length > PIECE_BYTES_MAX as u64 {
        return Err(invalid("its length is over 64 MiB"));
    }
    let head = message.len() as u64;
    reader.take(length).read_to_end(&mut message)?;
    if message.len() as u64 != head + length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

struct Batches<'a> {
    name: &'a str,
    signal: Option<Signal>,
    body: Vec<u8>,
    records: u64,
    /// Messages so far.
    number: u64,
}

impl Batches<'_> {
    fn place(&self, after: u64) -> String {
        format!("{}, message {}", self.name, self.number + after)
    }

    fn add(&mut self, message: &[u8], give: Give<'_>) -> bool {
        self.number += 1;
        let signal = self.signal.or_else(|| signal_of(message));
        let records = signal.and_then(|signal| Some((signal, records_of(message, signal)?)));
        let Some((signal, records)) = records else {
            if message.is_empty() {
                return true;
            }
            let place = self.place(0);
            let why = match self.signal {
                Some(_) => "this is no such OTLP message",
                None => {
                    "this is no OTLP message with records (--signal says what it is, if it is one)"
                }
            };
            return give(Found::Unreadable {
                place,
                why: why.to_owned(),
            });
        };
        self.signal = Some(signal);
        if self.body.len() + message.len() > PIECE_BYTES_MAX && !self.flush(give) {
            return false;
        }
        self.body.extend_from_slice(message);
        self.records += records;
        self.body.len() < BATCH_BYTES || self.flush(give)
    }

    fn flush(&mut self, give: Give<'_>) -> bool {
        let Some(signal) = self.signal.filter(|_| !self.body.is_empty()) else {
            return true;
        };
        give(Found::Batch(Batch {
            signal,
            is_json: false,
            body: std::mem::take(&mut self.body),
            records: std::mem::take(&mut self.records),
            place: format!("{}, up to message {}", self.name, self.number),
        }))
    }
}

/// A field of a message, as far as it has to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    Varint(u64),
    Fixed,
    Bytes(&'a [u8]),
}

/// The fields of a message; an error ends them.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.bytes(8).map(|_| Field::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    }

    fn varint(&mut self) -> Option<u64> {
        varint_of(&mut self.0).ok()
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

/// The messages in a field.
fn within<'a>(message: &'a [u8], number: u64) -> impl Iterator<Item = Option<&'a [u8]>> {
    Fields(message).filter_map(move |field| match field {
        Some((found, Field::Bytes(bytes))) if found == number => Some(Some(bytes)),
        Some(_) => None,
        None => Some(None),
    })
}

/// Of the first record: a span begins with an id of 16 bytes and one of 8, a metric with its name, and a log record has
/// numbers in both places.
fn signal_of(request: &[u8]) -> Option<Signal> {
    let record = within(request, 1)
        .flatten()
        .flat_map(|resource| within(resource, 2).flatten())
        .find_map(|scope| within(scope, 2).flatten().next())?;
    let (mut first, mut second) = (None, None);
    for (number, field) in Fields(record).map_while(|field| field) {
        match number {
            1 => first = Some(field),
            2 => second = Some(field),
            _ => {}
        }
    }
    match (first, second) {
        (Some(Field::Bytes(trace)), Some(Field::Bytes(span)))
            if trace.len() == 16 && span.len() == 8 =>
        {
            Some(Signal::Traces)
        }
        (Some(Field::Bytes(_)), _) => Some(Signal::Metrics),
        _ => Some(Signal::Logs),
    }
}

/// The spans, log records or data points of a request; `None` if it is none.
fn records_of(request: &[u8], signal: Signal) -> Option<u64> {
    let mut records = 0;
    for resource in within(request, 1) {
        for scope in within(resource?, 2) {
            for record in within(scope?, 2) {
                records += match signal {
                    Signal::Metrics => points_of(record?)?,
                    Signal::Traces | Signal::Logs => record.map(|_| 1)?,
                };
            }
        }
    }
    Some(records)
}

/// The data points of a metric: gauge 5, sum 7, histogram 9, exponential histogram 10, summary 11.
fn points_of(metric: &[u8]) -> Option<u64> {
    let mut points = 0;
    for field in Fields(metric) {
        if let (5 | 7 | 9 | 10 | 11, Field::Bytes(data)) = field? {
            for point in within(data, 1) {
                point?;
                points += 1;
            }
        }
    }
    Some(points)
}

fn varint_of(reader: &mut dyn BufRead) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(value);
        }
    }
    Err(invalid("a length without an end"))
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
