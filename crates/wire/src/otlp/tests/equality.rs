//! For any request, whole, shaken or damaged: the decoder and the slow way by generated structs give the same rows,
//! the same refusals, the same errors.

use std::mem::discriminant;

use crawlspace_model::Signal;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message as _;

use super::generate::{self, Doubles};
use super::{RECEIVED_AT, any as any_value, attribute, decode_body, request, span, text};
use crate::batch::TEXT_BYTES_MAX;
use crate::otlp::message::footprint::read_varint;
use crate::otlp::message::{Kind, Message, of_signal};
use crate::otlp::reference;

fn check(signal: Signal, body: &[u8]) {
    let decoded = decode_body(signal, body);
    let slowly = reference::decode(signal, body, RECEIVED_AT);
    match (&decoded, &slowly) {
        (Ok(decoded), Ok(slowly)) => assert!(
            decoded == slowly,
            "{signal:?} {body:x?}\n{decoded:?}\n{slowly:?}"
        ),
        (Err(error), Err(slow_error)) => {
            assert_eq!(discriminant(error), discriminant(slow_error), "{body:x?}");
        }
        _ => panic!("{signal:?} {body:x?}\n{decoded:?}\n{slowly:?}"),
    }
}

/// Numbers that look random, from a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }
}

/// A field of a message: its tag, and its value with what belongs to it.
struct Field<'a> {
    tag: u64,
    value: &'a [u8],
}

fn fields(mut body: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    while !body.is_empty() {
        let tag = read_varint(&mut body).unwrap();
        let start = body;
        let length = match tag & 7 {
            0 => {
                read_varint(&mut body).unwrap();
                start.len() - body.len()
            }
            1 => 8,
            5 => 4,
            _ => {
                let length = read_varint(&mut body).unwrap() as usize;
                start.len() - body.len() + length
            }
        };
        fields.push(Field {
            tag,
            value: &start[..length],
        });
        body = &start[length..];
    }
    fields
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The same message as another encoder might have written it, or a message that says other things: fields in another
/// order, twice, in pieces, with others among them that OTLP does not know.
fn shaken(body: &[u8], message: &Message, draws: &mut Draws) -> Vec<u8> {
    let mut pieces = Vec::new();
    for field in fields(body) {
        let known = message.fields.iter();
        let mut known = known.filter(|known| u64::from(known.number) == field.tag >> 3);
        let kind = known.next().map(|known| known.kind);
        let copies = if draws.one_in(8) {
            1 + draws.below(4)
        } else {
            1
        };
        for _ in 0..copies {
            match kind {
                Some(Kind::Message(inner)) => {
                    let mut rest = field.value;
                    read_varint(&mut rest).unwrap();
                    let inner = shaken(rest, inner, draws);
                    let middle = if draws.one_in(4) {
                        draws.below(inner.len())
                    } else {
                        0
                    };
                    // In two pieces, the first of them broken now and then.
                    for piece in [&inner[..middle], &inner[middle..]] {
                        if !piece.is_empty() || middle == 0 && inner.is_empty() {
                            let mut out = Vec::new();
                            put_varint(field.tag, &mut out);
                            put_varint(piece.len() as u64, &mut out);
                            out.extend(piece);
                            pieces.push(out);
                        }
                    }
                }
                _ => {
                    let mut out = Vec::new();
                    put_varint(field.tag, &mut out);
                    out.extend(field.value);
                    pieces.push(out);
                }
            }
        }
        if draws.one_in(12) {
            pieces.push(unknown(draws));
        }
    }
    if draws.one_in(4) {
        for index in 0..pieces.len() {
            let other = draws.below(pieces.len());
            pieces.swap(index, other);
        }
    }
    pieces.concat()
}

/// A field of any number and encoding.
fn unknown(draws: &mut Draws) -> Vec<u8> {
    let number = [1, 2, 3, 5, 7, 9, 15, 17, 99, 1 << 20][draws.below(10)];
    let mut out = Vec::new();
    let wire = draws.below(7) as u64;
    put_varint(number << 3 | wire, &mut out);
    match wire {
        0 => out.extend([0xff, 0x81, 0x00]),
        1 => out.extend([7; 8]),
        2 => out.extend([3, b'a', b'b', b'c']),
        3 => {
            out.extend([0x08, 1, 0x13, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x14]);
            put_varint(number << 3 | 4, &mut out);
        }
        5 => out.extend([7; 4]),
        // The end of a group that did not start, or an encoding that there is not.
        _ => {}
    }
    out
}

/// Some bytes are others, one is gone, one more is there, or the end is missing.
fn damaged(mut body: Vec<u8>, draws: &mut Draws) -> Vec<u8> {
    for _ in 0..1 + draws.below(3) {
        if body.is_empty() {
            break;
        }
        let at = draws.below(body.len());
        let byte = draws.below(256) as u8;
        match draws.below(8) {
            0 => body.truncate(at),
            1 => _ = body.remove(at),
            2 => body.insert(at, byte),
            3 => body[at] ^= 1 << draws.below(8),
            _ => body[at] = byte,
        }
    }
    body
}

fn check_all(signal: Signal, body: &[u8], seed: u64) {
    let mut draws = Draws(seed);
    check(signal, body);
    for _ in 0..4 {
        let shaken = shaken(body, of_signal(signal), &mut draws);
        check(signal, &shaken);
        check(signal, &damaged(shaken, &mut draws));
        check(signal, &damaged(body.to_vec(), &mut draws));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn traces_become_the_same_rows_both_ways(
        request in generate::traces(Doubles::All),
        seed in any::<u64>(),
    ) {
        check_all(Signal::Traces, &request.encode_to_vec(), seed);
    }

    #[test]
    fn logs_become_the_same_rows_both_ways(
        request in generate::logs(Doubles::All),
        seed in any::<u64>(),
    ) {
        check_all(Signal::Logs, &request.encode_to_vec(), seed);
    }

    #[test]
    fn metrics_become_the_same_rows_both_ways(
        request in generate::metrics(Doubles::All),
        seed in any::<u64>(),
    ) {
        check_all(Signal::Metrics, &request.encode_to_vec(), seed);
    }
}

fn check_spans(resource: Vec<KeyValue>, spans: Vec<Span>) {
    check(Signal::Traces, &request(resource, spans).encode_to_vec());
}

fn with_attributes(attributes: Vec<KeyValue>) -> Span {
    Span {
        attributes,
        ..span(1)
    }
}

fn value(depth: usize, is_map: bool) -> AnyValue {
    let inner = any_value(Any::IntValue(1));
    (0..depth).fold(inner, |inner, _| {
        any_value(if is_map {
            let entry = KeyValue {
                key: "k".into(),
                value: Some(inner),
                key_strindex: 0,
            };
            Any::KvlistValue(KeyValueList {
                values: vec![entry],
            })
        } else {
            Any::ArrayValue(ArrayValue {
                values: vec![inner],
            })
        })
    })
}

#[test]
fn values_nest_as_deep_both_ways() {
    for is_map in [false, true] {
        for depth in 20..60 {
            let entry = KeyValue {
                key: "deep".into(),
                value: Some(value(depth, is_map)),
                key_strindex: 0,
            };
            check_spans(vec![], vec![with_attributes(vec![entry.clone()])]);
            check_spans(vec![entry], vec![span(1)]);
        }
    }
}

#[test]
fn unknown_groups_nest_as_deep_both_ways() {
    for depth in 90..110 {
        let groups = [vec![0x7b; depth], vec![0x7c; depth]].concat();
        check(Signal::Traces, &groups);
        let unbalanced = [vec![0x7b; depth], vec![0x7c; depth - 1]].concat();
        check(Signal::Traces, &unbalanced);
    }
}

#[test]
fn rows_that_share_a_resource_differ_both_ways_alike() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let of_resource = vec![
        text("service.name", "shop"),
        text("host.name", "h"),
        attribute("cpus", Any::IntValue(4)),
        attribute("load", Any::DoubleValue(0.5)),
        attribute("is_big", Any::BoolValue(true)),
        attribute(
            "args",
            Any::ArrayValue(ArrayValue {
                values: vec![value(1, false)],
            }),
        ),
        text("long.truncated", "of the resource"),
    ];
    let own = [
        vec![text("a", "1")],
        vec![text("host.name", "own")],
        vec![text("cpus", "own"), text("resource.cpus", "own, too")],
        vec![attribute("load", Any::BoolValue(false))],
        vec![text("args", "own")],
        vec![text("long", &long)],
        vec![],
    ];
    for first in 0..own.len() {
        // Each kind of row first, last, alone and in runs.
        for run in [1, 2, 70] {
            let kinds = (0..own.len()).map(|kind| &own[(first + kind) % own.len()]);
            let spans = kinds.flat_map(|kind| vec![with_attributes(kind.clone()); run]);
            check_spans(of_resource.clone(), spans.collect());
        }
    }
    let mut cut = of_resource;
    cut.push(text("long", &long));
    check_spans(cut, vec![span(1); 3]);
}

#[test]
fn as_many_keys_become_columns_both_ways() {
    let list = |from: usize, to: usize| (from..to).map(|key| text(&format!("k{key}"), "v"));
    let spans = vec![
        with_attributes(list(0, 900).collect()),
        with_attributes(list(500, 1_600).collect()),
        with_attributes(list(1_500, 1_700).rev().collect()),
    ];
    check_spans(list(890, 1_050).collect(), spans);
}
