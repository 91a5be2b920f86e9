//! How much memory a body may take while it is decoded, told from its bytes before that: as much as the structs that
//! are generated from OTLP's definitions. An empty span has two bytes in a body and 264 as a struct, so that a body
//! within its limit could fill the memory.

use crawlspace_model::Signal;

use super::{Kind, Message, of_signal};
use crate::otlp::DECODED_BYTES_MAX;

/// prost refuses messages that are nested deeper.
const DEPTH_MAX: usize = 100;

/// No byte of a body becomes more bytes of structs: a message has two at least.
const EXPANSION_MAX: usize = 160;

/// Whether `body` could take more than [`DECODED_BYTES_MAX`]. Bodies of a usual size can't, and are not looked at.
pub(in crate::otlp) fn is_too_large(body: &[u8], signal: Signal) -> bool {
    body.len() > DECODED_BYTES_MAX / EXPANSION_MAX
        && footprint(body, of_signal(signal)) > DECODED_BYTES_MAX
}

/// The bytes of the structs that `body`, such a message, becomes. Ends where prost ends with an
/// error.
fn footprint(body: &[u8], message: &Message) -> usize {
    let mut total = 0;
    _ = add_message(body, message, DEPTH_MAX, &mut total);
    total
}

/// None when the bytes are no message.
fn add_message(mut rest: &[u8], message: &Message, depth: usize, total: &mut usize) -> Option<()> {
    *total += message.struct_bytes;
    let depth = depth.checked_sub(1)?;
    while !rest.is_empty() {
        let tag = read_varint(&mut rest)?;
        match tag & 7 {
            0 => _ = read_varint(&mut rest)?,
            1 => rest = rest.get(8..)?,
            5 => rest = rest.get(4..)?,
            2 => {
                let length = usize::try_from(read_varint(&mut rest)?).ok()?;
                let (value, after) = rest.split_at_checked(length)?;
                let field = message
                    .fields
                    .iter()
                    .find(|field| u64::from(field.number) == tag >> 3);
                match field.map(|field| (field.kind, field.repeated)) {
                    Some((Kind::Message(child), _)) => add_message(value, child, depth, total)?,
                    Some((Kind::Text, true)) => *total += size_of::<String>(),
                    // A list of small numbers has a byte for each.
                    Some((Kind::Uint64, true)) => *total += length * size_of::<u64>(),
                    _ => {}
                }
                rest = after;
            }
            // The start and end of a group: what is between them are fields like others.
            3 | 4 => {}
            _ => return None,
        }
    }
    Some(())
}

/// A number as protobuf writes it, taken from the front.
pub(in crate::otlp) fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crawlspace_model::Signal;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    use super::{EXPANSION_MAX, Kind, Message, footprint, of_signal};

    fn check_expansion(message: &Message, depth: usize) {
        assert!(message.struct_bytes <= 2 * EXPANSION_MAX);
        for field in message.fields {
            if let (Kind::Message(inner), true) = (field.kind, depth > 0) {
                check_expansion(inner, depth - 1);
            }
        }
    }

    #[test]
    fn no_message_expands_more_than_is_assumed() {
        for signal in Signal::ALL {
            check_expansion(of_signal(signal), 8);
        }
    }

    #[test]
    fn every_struct_of_a_body_counts_wherever_it_is() {
        let outer = size_of::<ResourceSpans>() + size_of::<ScopeSpans>();
        let two_spans = outer + 2 * size_of::<Span>();
        for (body, bytes) in [
            (&[][..], 0),
            // ResourceSpans { ScopeSpans { Span, Span } }
            (&[0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0], two_spans),
            // The spans behind a field that is not known, and within a group of that.
            (&[0x0a, 9, 0x12, 7, 0xf8, 1, 7, 0x12, 0, 0x12, 0], two_spans),
            (
                &[0x0a, 10, 0x12, 8, 0xfb, 1, 0x12, 0, 0xfc, 1, 0x12, 0],
                two_spans,
            ),
            // Torn after the first span.
            (
                &[0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 9],
                two_spans - size_of::<Span>(),
            ),
        ] {
            assert_eq!(
                footprint(body, of_signal(Signal::Traces)),
                bytes,
                "{body:x?}"
            );
        }
    }
}
