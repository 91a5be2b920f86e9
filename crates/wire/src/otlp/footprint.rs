//! How much memory the generated structs of a body take, told from its bytes before they are
//! decoded: an empty span has two bytes in a body and 264 as a struct, so that a body within its
//! limit could fill the memory.

use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// prost refuses messages that are nested deeper.
const DEPTH_MAX: usize = 100;

/// One message type: the bytes of its struct, and those of its fields that hold structs, by number.
pub(super) struct Shape {
    bytes: usize,
    fields: &'static [(u64, &'static Shape)],
}

pub(super) static TRACES: Shape = Shape {
    bytes: 0,
    fields: &[(1, &RESOURCE_SPANS)],
};
static RESOURCE_SPANS: Shape = Shape {
    bytes: size_of::<ResourceSpans>(),
    fields: &[(1, &RESOURCE), (2, &SCOPE_SPANS)],
};
static SCOPE_SPANS: Shape = Shape {
    bytes: size_of::<ScopeSpans>(),
    fields: &[(1, &SCOPE), (2, &SPAN)],
};
static SPAN: Shape = Shape {
    bytes: size_of::<Span>(),
    fields: &[(9, &KEY_VALUE), (11, &EVENT), (13, &LINK)],
};
static EVENT: Shape = Shape {
    bytes: size_of::<Event>(),
    fields: &[(3, &KEY_VALUE)],
};
static LINK: Shape = Shape {
    bytes: size_of::<Link>(),
    fields: &[(4, &KEY_VALUE)],
};
static RESOURCE: Shape = Shape {
    bytes: size_of::<Resource>(),
    fields: &[(1, &KEY_VALUE), (3, &ENTITY)],
};
static ENTITY: Shape = Shape {
    bytes: size_of::<EntityRef>(),
    fields: &[(3, &TEXT), (4, &TEXT)],
};
static SCOPE: Shape = Shape {
    bytes: size_of::<InstrumentationScope>(),
    fields: &[(3, &KEY_VALUE)],
};
static KEY_VALUE: Shape = Shape {
    bytes: size_of::<KeyValue>(),
    fields: &[(2, &ANY)],
};
static ANY: Shape = Shape {
    bytes: size_of::<AnyValue>(),
    fields: &[(5, &ARRAY), (6, &MAP)],
};
static ARRAY: Shape = Shape {
    bytes: 0,
    fields: &[(1, &ANY)],
};
static MAP: Shape = Shape {
    bytes: 0,
    fields: &[(1, &KEY_VALUE)],
};
static TEXT: Shape = Shape {
    bytes: size_of::<String>(),
    fields: &[],
};

/// The bytes of the structs that `body`, a message of this shape, becomes. Ends where prost ends
/// with an error.
pub(super) fn footprint(body: &[u8], shape: &Shape) -> usize {
    let mut total = 0;
    _ = add_message(body, shape, DEPTH_MAX, &mut total);
    total
}

/// None when the bytes are no message.
fn add_message(mut rest: &[u8], shape: &Shape, depth: usize, total: &mut usize) -> Option<()> {
    *total += shape.bytes;
    let depth = depth.checked_sub(1)?;
    while !rest.is_empty() {
        let tag = read_varint(&mut rest)?;
        match tag & 7 {
            0 => _ = read_varint(&mut rest)?,
            1 => rest = rest.get(8..)?,
            5 => rest = rest.get(4..)?,
            2 => {
                let length = usize::try_from(read_varint(&mut rest)?).ok()?;
                let (field, after) = rest.split_at_checked(length)?;
                if let Some((_, child)) =
                    shape.fields.iter().find(|(number, _)| *number == tag >> 3)
                {
                    add_message(field, child, depth, total)?;
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

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
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
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    use super::{TRACES, footprint};

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
            assert_eq!(footprint(body, &TRACES), bytes, "{body:x?}");
        }
    }
}
