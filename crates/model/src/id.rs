//! Trace and span ids. Stored as bytes, shown as lower-case hex, accepted as hex of any case; a trace id also as a
//! whole W3C `traceparent`.

use std::fmt;

use crate::ErrorKind;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a {what}: {expected}")]
pub struct IdError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

impl IdError {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::BadInput
    }
}

/// 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// Reads 32 hex digits, with or without the dashes of a UUID, or a whole `traceparent` header.
    ///
    /// # Errors
    /// The text is neither, or the id is all zero.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let trimmed = text.trim();
        let digits = match trimmed.split('-').collect::<Vec<_>>()[..] {
            [version, trace, parent, _flags, ..]
                if version.len() == 2 && trace.len() == 32 && parent.len() == 16 =>
            {
                trace.to_owned()
            }
            _ => trimmed.replace('-', ""),
        };
        parse_hex(&digits)
            .filter(|id| *id != [0; 16])
            .map(Self)
            .ok_or_else(|| IdError {
                text: text.to_owned(),
                what: "trace id",
                expected: "give 32 hex digits, not all zero, or a whole traceparent",
            })
    }
}

impl SpanId {
    /// Reads 16 hex digits.
    ///
    /// # Errors
    /// The text is something else, or the id is all zero.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        parse_hex(text.trim())
            .filter(|id| *id != [0; 8])
            .map(Self)
            .ok_or_else(|| IdError {
                text: text.to_owned(),
                what: "span id",
                expected: "give 16 hex digits, not all zero",
            })
    }
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let high = (pair[0] as char).to_digit(16)?;
        let low = (pair[1] as char).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(id)
}

/// Lower-case hex of any bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| {
            [
                DIGITS[usize::from(b >> 4)] as char,
                DIGITS[usize::from(b & 15)] as char,
            ]
        })
        .collect()
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
