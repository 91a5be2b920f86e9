//! OTLP 1.x requests, decoded from their bytes into the tables' columns in one pass. One file per signal
//! beside it; resource, scope, values and refusals are the same for all signals.

mod encode;
mod enums;
mod json;
mod log;
mod message;
mod metric;
mod notes;
mod origin;
mod protobuf;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod row;
mod trace;
mod tree;
mod value;

use crawlspace_model::{Signal, UnixNanos};

use crate::{Decoded, Error};
pub use encode::encode;
use json::FromJson;
use message::footprint::is_too_large;
use message::of_signal;
use tree::{Failure, Intake};

/// The most attributes of one list (a record's own, a scope's, a resource's); the ones after them
/// are left out.
pub const ATTRIBUTES_MAX: usize = 1_024;

/// The most bytes that one request may become. Resource attributes repeat on every row, and one
/// value makes a column for all rows, so that without this bound a small body could fill the
/// memory.
pub const DECODED_BYTES_MAX: usize = 1 << 30;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    Protobuf,
    Json,
}

impl ContentType {
    pub const ALL: [Self; 2] = [Self::Protobuf, Self::Json];
}

/// The rows of an export request of `signal`: spans and their events (as rows of `logs`), log
/// records, or data points. What is said in protobuf and in JSON becomes the same rows.
///
/// A record is refused alone when its ids, times, values or nesting are wrong; in protobuf, nesting
/// and text costs the request. Of a key that one list has twice, the last value is kept.
///
/// # Errors
/// `BadInput` when the body is not such a message, or, as protobuf, holds text that is not UTF-8 or
/// nests deeper than prost decodes (100 messages, so 47 lists in one another, which is less than
/// [`VALUE_DEPTH_MAX`](crawlspace_model::attribute::VALUE_DEPTH_MAX)); `TooLarge` when the structs
/// or the rows would take more than [`DECODED_BYTES_MAX`].
pub fn decode(
    signal: Signal,
    content_type: ContentType,
    body: &[u8],
    received_at: UnixNanos,
) -> Result<Decoded, Error> {
    match content_type {
        ContentType::Protobuf => decode_protobuf(signal, body, Intake::new(received_at)),
        ContentType::Json => {
            let FromJson {
                protobuf,
                rejected,
                notes,
            } = json::to_protobuf(of_signal(signal), body)?;
            let intake = Intake {
                rejected,
                notes,
                ..Intake::new(received_at)
            };
            decode_protobuf(signal, &protobuf, intake)
        }
    }
}

fn decode_protobuf(signal: Signal, body: &[u8], intake: Intake) -> Result<Decoded, Error> {
    if is_too_large(body, signal) {
        return Err(Error::Decoded {
            limit: DECODED_BYTES_MAX,
        });
    }
    let (message, decoded) = match signal {
        Signal::Traces => ("ExportTraceServiceRequest", trace::decode(body, intake)),
        Signal::Logs => ("ExportLogsServiceRequest", log::decode(body, intake)),
        Signal::Metrics => ("ExportMetricsServiceRequest", metric::decode(body, intake)),
    };
    decoded.map_err(|failure| match failure {
        Failure::TooLarge => Error::Decoded {
            limit: DECODED_BYTES_MAX,
        },
        Failure::Malformed(malformed) => Error::Protobuf {
            message,
            what: malformed.what(),
            at: malformed.offset_in(body),
        },
    })
}

#[cfg(test)]
mod tests;
