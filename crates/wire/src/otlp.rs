//! OTLP 1.x requests in protobuf, decoded by the generated structs of `opentelemetry-proto`: the
//! reference for any faster decoder. One file per signal beside it; resource, scope, values and
//! refusals are the same for all signals.

mod footprint;
mod notes;
mod origin;
mod trace;
mod tracestate;
mod value;

use crawlspace_model::{Signal, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::{Decoded, Error};
use footprint::{Shape, footprint};

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

/// The rows of an export request of `signal`.
///
/// # Errors
/// As for [`decode_traces`].
pub fn decode(
    signal: Signal,
    content_type: ContentType,
    body: &[u8],
    received_at: UnixNanos,
) -> Result<Decoded, Error> {
    match (signal, content_type) {
        (Signal::Traces, ContentType::Protobuf) => decode_traces(body, received_at),
        _ => unreachable!("no door offers it"),
    }
}

/// The rows of an `ExportTraceServiceRequest`: spans, and their events as rows of `logs`.
///
/// A span is refused alone when its ids, times or nesting are wrong. Of a key that one list has
/// twice, the last value is kept.
///
/// # Errors
/// `BadInput` when the body is not such a message, holds text that is not UTF-8, or nests deeper
/// than prost decodes (100 messages, so 47 lists in one another, which is less than
/// [`VALUE_DEPTH_MAX`](crawlspace_model::attribute::VALUE_DEPTH_MAX)); `TooLarge` when the structs
/// or the rows would take more than [`DECODED_BYTES_MAX`].
pub fn decode_traces(body: &[u8], received_at: UnixNanos) -> Result<Decoded, Error> {
    check_footprint(body, &footprint::TRACES)?;
    let request = ExportTraceServiceRequest::decode(body).map_err(|source| Error::Protobuf {
        message: "ExportTraceServiceRequest",
        source,
    })?;
    trace::decode(&request, received_at)
}

fn check_footprint(body: &[u8], shape: &Shape) -> Result<(), Error> {
    if footprint(body, shape) > DECODED_BYTES_MAX {
        return Err(Error::Decoded {
            limit: DECODED_BYTES_MAX,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
