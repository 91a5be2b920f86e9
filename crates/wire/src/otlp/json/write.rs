//! Protobuf to OTLP/JSON.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crawlspace_model::id::hex;

use crate::otlp::message::footprint::read_varint;
use crate::otlp::message::{ARRAY, Field, Kind, MAP, Message};

/// Appends the object of a message as prost writes it, all items of a list together. Fields with
/// OTLP's default are left out, as they are in protobuf.
///
/// # Panics
/// When the bytes are no such message.
pub(in crate::otlp) fn to_json(message: &Message, protobuf: &[u8], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut rest = protobuf;
    // The field of the list that is open.
    let mut open = None;
    let mut is_first = true;
    while !rest.is_empty() {
        let (number, value) = read_field(&mut rest);
        let field = message.fields.iter().find(|field| field.number == number);
        let Some(field) = field else { continue };
        if open != Some(number) {
            if open.take().is_some() {
                out.push(b']');
            }
            put_name(field.name, std::mem::take(&mut is_first), out);
            if field.repeated {
                out.push(b'[');
                open = Some(number);
            }
        } else {
            out.push(b',');
        }
        put_values(field, value, out);
    }
    if open.is_some() {
        out.push(b']');
    }
    // Many readers do not take a list without the list.
    if is_first && (std::ptr::eq(message, &ARRAY) || std::ptr::eq(message, &MAP)) {
        out.extend_from_slice(b"\"values\":[]");
    }
    out.push(b'}');
}

/// A field's value as protobuf has it: the bits of a number, or bytes.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn read_field<'a>(rest: &mut &'a [u8]) -> (u32, Wire<'a>) {
    let tag = varint(rest);
    let value = match tag & 7 {
        0 => Wire::Number(varint(rest)),
        1 => Wire::Number(fixed(rest, 8)),
        5 => Wire::Number(fixed(rest, 4)),
        _ => {
            let length = usize::try_from(varint(rest)).expect("lengths are of this memory");
            let (bytes, after) = rest.split_at(length);
            *rest = after;
            Wire::Bytes(bytes)
        }
    };
    (
        u32::try_from(tag >> 3).expect("numbers of fields are small"),
        value,
    )
}

fn varint(rest: &mut &[u8]) -> u64 {
    read_varint(rest).expect("what prost writes is whole")
}

fn fixed(rest: &mut &[u8], width: usize) -> u64 {
    let (bytes, after) = rest.split_at(width);
    *rest = after;
    let bytes = bytes.iter().rev();
    bytes.fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

fn put_name(name: &str, is_first: bool, out: &mut Vec<u8>) {
    if !is_first {
        out.push(b',');
    }
    _ = write!(out, "\"{name}\":");
}

/// One value, or the numbers of a packed list.
fn put_values(field: &Field, value: Wire<'_>, out: &mut Vec<u8>) {
    match (field.kind, value) {
        (kind, Wire::Number(bits)) => put_number(kind, bits, out),
        (Kind::Message(message), Wire::Bytes(bytes)) => to_json(message, bytes, out),
        (Kind::Text, Wire::Bytes(bytes)) => put_text(bytes, out),
        (Kind::Id | Kind::IdOrNone, Wire::Bytes(bytes)) => _ = write!(out, "\"{}\"", hex(bytes)),
        (Kind::Bytes, Wire::Bytes(bytes)) => _ = write!(out, "\"{}\"", BASE64.encode(bytes)),
        (kind, Wire::Bytes(mut packed)) => {
            let mut is_first = true;
            while !packed.is_empty() {
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                let bits = match kind {
                    Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => fixed(&mut packed, 8),
                    _ => varint(&mut packed),
                };
                put_number(kind, bits, out);
            }
        }
    }
}

/// Integers of 64 bits are texts, and so are doubles that JSON has no number for.
fn put_number(kind: Kind, bits: u64, out: &mut Vec<u8>) {
    _ = match kind {
        Kind::Bool => write!(out, "{}", bits != 0),
        Kind::Double => match f64::from_bits(bits) {
            number if number.is_nan() => write!(out, "\"NaN\""),
            number if number.is_infinite() => {
                let sign = if number < 0.0 { "-" } else { "" };
                write!(out, "\"{sign}Infinity\"")
            }
            number => write!(out, "{number:?}"),
        },
        Kind::Int32 => write!(out, "{}", bits as i32),
        Kind::Sint32 => {
            let number = bits as u32;
            write!(
                out,
                "{}",
                (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
            )
        }
        Kind::Uint32 | Kind::Fixed32 => write!(out, "{bits}"),
        Kind::Int64 | Kind::Sfixed64 => write!(out, "\"{}\"", bits.cast_signed()),
        _ => write!(out, "\"{bits}\""),
    };
}

fn put_text(bytes: &[u8], out: &mut Vec<u8>) {
    let text = std::str::from_utf8(bytes).expect("texts of protobuf are UTF-8");
    serde_json::to_writer(out, text).expect("a str always has a JSON form");
}
