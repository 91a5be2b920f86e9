//! What the numbers and bytes of a record in the log mean, and the rows it holds: the same for a request that comes in
//! and for one that is replayed.

use std::thread;

use bytes::Bytes;
use crawlspace_model::{Signal, UnixNanos};
use crawlspace_wal::{Encoding, Entry};

use crawlspace_wire::otlp::{self, ContentType};
use crawlspace_wire::{Decoded, body};

use crate::{Accepted, Error};

/// The number of an OTLP signal's door. Written to the log: a number never changes its meaning.
pub(crate) fn door_of(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
        Signal::Metrics => 3,
    }
}

/// The number of a content type. Written to the log like the doors.
pub(crate) fn number_of(content_type: ContentType) -> u8 {
    match content_type {
        ContentType::Protobuf => 1,
        ContentType::Json => 2,
    }
}

/// How many requests are decoded at a time: it is work for the processor alone.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// A record of the log that stands for a request which repeated another: its body is what that one was answered.
const REPEAT: u8 = 0;

/// The record of a request that repeats another, in place of its own.
pub(crate) fn repeat_of(entry: &Entry, accepted: &Accepted) -> Entry {
    let counts = [accepted.accepted, accepted.rejected].map(u64::to_le_bytes);
    Entry {
        content_type: REPEAT,
        encoding: Encoding::Identity,
        body: Bytes::copy_from_slice(counts.as_flattened()),
        ..entry.clone()
    }
}

/// The records accepted and rejected, if this record stands for a repeated request.
pub(crate) fn repeated(entry: &Entry) -> Option<(u64, u64)> {
    let (counts, _) = entry.body.as_chunks();
    match counts {
        [accepted, rejected] if entry.content_type == REPEAT => {
            Some((u64::from_le_bytes(*accepted), u64::from_le_bytes(*rejected)))
        }
        _ => None,
    }
}

/// Decompresses. `admit` is told of each piece before it is held.
pub(crate) fn body_of(
    entry: &Entry,
    admit: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Bytes, Error> {
    let mut refused = None;
    let body = decompress(entry, &mut |bytes| {
        refused = admit(bytes).err();
        refused.is_none()
    });
    match refused {
        Some(error) => Err(error),
        None => body,
    }
}

/// # Errors
/// A newer program has written the record.
pub(crate) fn signal_of(entry: &Entry) -> Result<Signal, Error> {
    Signal::ALL
        .into_iter()
        .find(|signal| door_of(*signal) == entry.door)
        .ok_or_else(|| unknown(entry))
}

/// The rows of a record; `body` is its decompressed body.
pub(crate) fn decode(entry: &Entry, body: &[u8]) -> Result<Decoded, Error> {
    let content_type = ContentType::ALL
        .into_iter()
        .find(|content_type| number_of(*content_type) == entry.content_type);
    let content_type = content_type.ok_or_else(|| unknown(entry))?;
    let received_at = UnixNanos(entry.received_at);
    Ok(otlp::decode(
        signal_of(entry)?,
        content_type,
        body,
        received_at,
    )?)
}

fn unknown(entry: &Entry) -> Error {
    Error::UnknownDoor {
        door: entry.door,
        content_type: entry.content_type,
    }
}

fn decompress(entry: &Entry, admit: body::Admit<'_>) -> Result<Bytes, Error> {
    let encoding = match entry.encoding {
        Encoding::Identity => body::Encoding::Identity,
        Encoding::Gzip => body::Encoding::Gzip,
        Encoding::Zstd => body::Encoding::Zstd,
        Encoding::Deflate => body::Encoding::Deflate,
    };
    Ok(body::decompress(
        &entry.body,
        encoding,
        body::BODY_BYTES_MAX,
        admit,
    )?)
}
