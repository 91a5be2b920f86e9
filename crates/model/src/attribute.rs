//! Attribute values: their kinds, and the exact JSON text that holds a value outside a typed column (in `overflow`,
//! in links, in a body that is no string).
//!
//! JSON has no NaN, no infinities and no bytes, and its objects no repeated keys. Those are written as objects with one
//! reserved key: `{"$double":"NaN"}`, `{"$bytes":"<base64>"}`, `{"$map":[["k",1],["k",2]]}`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Nested values deeper than this are refused at the door.
pub const VALUE_DEPTH_MAX: usize = 64;

/// The kind of one attribute value.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    String,
    Int,
    Double,
    Bool,
    /// A list, a map, bytes, or a double that JSON numbers can't write: kept as text.
    Other,
}

/// The kinds that one key's values have had, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Kinds(u8);

impl Kinds {
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        Self(1 << kind as u8)
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What a key with these values reads as: its one kind; `Double` for ints and doubles; `String` for every other
    /// mixture and for lists, maps and bytes.
    #[must_use]
    pub const fn reads_as(self) -> Kind {
        const INT: u8 = Kinds::of(Kind::Int).0;
        const DOUBLE: u8 = Kinds::of(Kind::Double).0;
        const BOTH: u8 = INT | DOUBLE;
        const BOOL: u8 = Kinds::of(Kind::Bool).0;
        match self.0 {
            INT => Kind::Int,
            DOUBLE | BOTH => Kind::Double,
            BOOL => Kind::Bool,
            _ => Kind::String,
        }
    }
}

/// A value as the doors hand it on, borrowed from the request.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Sent without a value: OTLP's empty `AnyValue`.
    Null,
    String(&'a str),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(&'a [u8]),
    List(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
}

impl Value<'_> {
    /// The exact text of this value. Not for unbounded depth: doors refuse values deeper than [`VALUE_DEPTH_MAX`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        write_json(self, &mut text);
        text
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Value::String(_) => Kind::String,
            Value::Int(_) => Kind::Int,
            Value::Double(_) => Kind::Double,
            Value::Bool(_) => Kind::Bool,
            Value::Null | Value::Bytes(_) | Value::List(_) | Value::Map(_) => Kind::Other,
        }
    }
}

fn write_json(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::String(text) => write_string(text, out),
        Value::Int(number) => _ = write!(out, "{number}"),
        Value::Double(number) if number.is_finite() => _ = write!(out, "{number:?}"),
        Value::Double(number) => {
            let name = if number.is_nan() {
                "NaN"
            } else if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            _ = write!(out, "{{\"$double\":\"{name}\"}}");
        }
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Bytes(bytes) => _ = write!(out, "{{\"$bytes\":\"{}\"}}", BASE64.encode(bytes)),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => write_map(entries, out),
    }
}

fn write_map(entries: &[(&str, Value<'_>)], out: &mut String) {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    let plain = keys.windows(2).all(|pair| pair[0] != pair[1])
        && !keys.iter().any(|key| key.starts_with('$'));
    out.push_str(if plain { "{" } else { "{\"$map\":[" });
    for (i, (key, value)) in entries.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if !plain {
            out.push('[');
        }
        write_string(key, out);
        out.push(if plain { ':' } else { ',' });
        write_json(value, out);
        if !plain {
            out.push(']');
        }
    }
    out.push_str(if plain { "}" } else { "]}" });
}

fn write_string(text: &str, out: &mut String) {
    let quoted = serde_json::to_string(text).expect("a str always has a JSON form");
    out.push_str(&quoted);
}

/// The kind of a value from its text, by its first bytes.
#[must_use]
pub fn kind_of_json(text: &str) -> Kind {
    match text.as_bytes().first() {
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'-' | b'0'..=b'9') if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) => {
            Kind::Double
        }
        Some(b'-' | b'0'..=b'9') => Kind::Int,
        _ => Kind::Other,
    }
}

/// What a query reads where the value's text is `json`: the bare string for a string, the text itself otherwise.
#[must_use]
pub fn text_of_json(json: &str) -> std::borrow::Cow<'_, str> {
    match serde_json::from_str::<std::borrow::Cow<'_, str>>(json) {
        Ok(text) if kind_of_json(json) == Kind::String => {
            std::borrow::Cow::Owned(text.into_owned())
        }
        _ => std::borrow::Cow::Borrowed(json),
    }
}

#[cfg(test)]
mod tests;
