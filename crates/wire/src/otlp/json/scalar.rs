//! One value of a field, from JSON to protobuf.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::LENGTH_BYTES;
use super::reader::Token;
use crate::otlp::message::Kind;
use crate::otlp::notes::quoted;

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Integers up to here are exact in doubles.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends the field, or says what belongs there.
pub(super) fn put_scalar(
    number: u32,
    kind: Kind,
    token: &Token<'_>,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let tag = u64::from(number) << 3;
    match kind {
        Kind::Text => put_bytes(tag, text(token).ok_or("a text")?.as_bytes(), out),
        Kind::Bytes => put_bytes(tag, &base64(token).ok_or("base64")?, out),
        Kind::Id | Kind::IdOrNone => {
            let id = text(token).and_then(unhex);
            put_bytes(tag, &id.ok_or("an id in hex digits")?, out);
        }
        Kind::Message(_) => return Err("an object"),
        number => {
            let bits = bits(number, token)?;
            let (wire_type, width) = match number {
                Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => (1, 8),
                Kind::Fixed32 => (5, 4),
                _ => (0, 0),
            };
            put_varint(tag | wire_type, out);
            if width == 0 {
                put_varint(bits, out);
            } else {
                out.extend(&bits.to_le_bytes()[..width]);
            }
        }
    }
    Ok(())
}

/// A number as protobuf writes it.
fn bits(kind: Kind, token: &Token<'_>) -> Result<u64, &'static str> {
    let int32 = || integer::<i32>(token).ok_or("an integer of 32 bits");
    Ok(match kind {
        Kind::Bool => match token {
            Token::Bool(flag) => u64::from(*flag),
            _ => return Err("true or false"),
        },
        Kind::Double => double(token).ok_or("a number")?.to_bits(),
        Kind::Int32 => i64::from(int32()?).cast_unsigned(),
        Kind::Sint32 => {
            let number = int32()?;
            u64::from(((number << 1) ^ (number >> 31)).cast_unsigned())
        }
        Kind::Uint32 | Kind::Fixed32 => {
            let number = integer::<u32>(token);
            number.ok_or("an integer of 32 bits from 0")?.into()
        }
        Kind::Int64 | Kind::Sfixed64 => {
            let number = integer::<i64>(token);
            number.ok_or("an integer of 64 bits")?.cast_unsigned()
        }
        _ => integer::<u64>(token).ok_or("an integer of 64 bits from 0")?,
    })
}

pub(super) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Says at `at`, where [`LENGTH_BYTES`] were kept free, how much comes after them.
pub(super) fn put_length(out: &mut [u8], at: usize) {
    let mut length = out.len() - at - LENGTH_BYTES;
    for byte in &mut out[at..at + LENGTH_BYTES] {
        *byte = (length & 0x7f) as u8 | 0x80;
        length >>= 7;
    }
    out[at + LENGTH_BYTES - 1] &= 0x7f;
}

fn put_bytes(tag: u64, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(tag | 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A value for the example of a refusal.
pub(super) fn shown(token: &Token<'_>) -> String {
    match token {
        Token::Null => "null".to_owned(),
        Token::Bool(flag) => flag.to_string(),
        Token::Number(text) => quoted(text),
        Token::Text(text) => format!("the text {}", quoted(text)),
        Token::List => "a list".to_owned(),
        Token::Map => "an object".to_owned(),
    }
}

fn text<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    match token {
        Token::Text(text) => Some(text),
        _ => None,
    }
}

fn base64(token: &Token<'_>) -> Option<Vec<u8>> {
    let text = text(token)?.replace('-', "+").replace('_', "/");
    BASE64.decode(text).ok()
}

/// The bytes of hex digits of any case, of any length.
pub(in crate::otlp) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

/// An integer, as a number or a text; with a point or an exponent, too, as long as it is whole.
fn integer<T: TryFrom<i128>>(token: &Token<'_>) -> Option<T> {
    let text = digits(token)?;
    let whole = text.parse::<i128>().ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128)
    });
    T::try_from(whole?).ok()
}

fn double(token: &Token<'_>) -> Option<f64> {
    let text = match token {
        Token::Text(text) if text == "NaN" => return Some(f64::NAN),
        Token::Text(text) if text == "Infinity" => return Some(f64::INFINITY),
        Token::Text(text) if text == "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => digits(token)?,
    };
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// A number as a number or a text.
fn digits<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    match token {
        Token::Number(text) => Some(text),
        Token::Text(text) => Some(text),
        _ => None,
    }
}
