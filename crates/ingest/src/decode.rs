//! From a record of the log to rows: the same for a request that comes in and for one that is replayed.

use std::thread;

use bytes::Bytes;
use crawlspace_model::{Signal, UnixNanos};
use crawlspace_wal::{Encoding, Entry};

use crawlspace_wire::otlp::{self, ContentType};
use crawlspace_wire::{Decoded, body};

use crate::Error;

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

/// Decompresses and decodes. `admit` is told the decompressed length before anything is built from it.
pub(crate) fn decode(
    entry: &Entry,
    admit: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Decoded, Error> {
    let body = decompress(entry)?;
    if entry.encoding != Encoding::Identity {
        admit(body.len())?;
    }
    let signal = Signal::ALL
        .into_iter()
        .find(|signal| door_of(*signal) == entry.door);
    let content_type = ContentType::ALL
        .into_iter()
        .find(|content_type| number_of(*content_type) == entry.content_type);
    let (Some(signal), Some(content_type)) = (signal, content_type) else {
        return Err(Error::UnknownDoor {
            door: entry.door,
            content_type: entry.content_type,
        });
    };
    let received_at = UnixNanos(entry.received_at);
    Ok(otlp::decode(signal, content_type, &body, received_at)?)
}

fn decompress(entry: &Entry) -> Result<Bytes, Error> {
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
    )?)
}
