//! From a record of the log to rows: the same for a request that comes in and for one that is replayed.

use std::thread;

use bytes::Bytes;
use crawlspace_model::UnixNanos;
use crawlspace_wal::{Encoding, Entry};

use crawlspace_wire::{Decoded, body, otlp};

use crate::Error;

/// OTLP traces, over HTTP. Written to the log: a number never changes its meaning.
pub(crate) const DOOR_OTLP_TRACES: u8 = 1;
/// Protobuf. Written to the log like the doors.
pub(crate) const CONTENT_PROTOBUF: u8 = 1;

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
    match (entry.door, entry.content_type) {
        (DOOR_OTLP_TRACES, CONTENT_PROTOBUF) => {
            Ok(otlp::decode_traces(&body, UnixNanos(entry.received_at))?)
        }
        (door, content_type) => Err(Error::UnknownDoor { door, content_type }),
    }
}

fn decompress(entry: &Entry) -> Result<Bytes, Error> {
    let encoding = match entry.encoding {
        Encoding::Identity => body::Encoding::Identity,
        Encoding::Gzip => body::Encoding::Gzip,
        Encoding::Zstd | Encoding::Deflate => {
            return Err(Error::UnknownDoor {
                door: entry.door,
                content_type: entry.content_type,
            });
        }
    };
    Ok(body::decompress(
        &entry.body,
        encoding,
        body::BODY_BYTES_MAX,
    )?)
}
