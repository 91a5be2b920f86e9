//! The slow way from protobuf to rows, by the structs that are generated from OTLP's definitions: what the decoder is
//! compared with.

mod log;
mod metric;
mod origin;
mod trace;
mod tree;
mod value;

use crawlspace_model::{Signal, UnixNanos};

use super::DECODED_BYTES_MAX;
use super::message::footprint::is_too_large;
use super::tree::Intake;
use crate::{Decoded, Error};

/// As `otlp::decode` does it; but where a body is no message, an error does not say.
///
/// # Errors
/// Those of `otlp::decode`.
pub fn decode(signal: Signal, body: &[u8], received_at: UnixNanos) -> Result<Decoded, Error> {
    if is_too_large(body, signal) {
        return Err(Error::Decoded {
            limit: DECODED_BYTES_MAX,
        });
    }
    let intake = Intake::new(received_at);
    match signal {
        Signal::Traces => trace::decode(&parse(body)?, intake),
        Signal::Logs => log::decode(&parse(body)?, intake),
        Signal::Metrics => metric::decode(&parse(body)?, intake),
    }
}

fn parse<M: prost::Message + Default>(body: &[u8]) -> Result<M, Error> {
    M::decode(body).map_err(|_| Error::Protobuf {
        message: "request",
        what: "prost finds a fault",
        at: 0,
    })
}
