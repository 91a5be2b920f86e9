//! The bytes of a request, decompressed within bounds. Which encodings a door takes is the door's
//! matter.

use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::Error;

/// The most bytes of a body, before and after decompression.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// The most bytes that one compressed byte may become, once there are more than
/// [`RATIO_FREE_BYTES`].
pub const RATIO_MAX: usize = 200;

/// Up to here any ratio is fine: small bodies of equal records compress well.
pub const RATIO_FREE_BYTES: usize = 1 << 20;

/// How a body was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    /// One member or several.
    Gzip,
    Zstd,
    /// In zlib's wrapping, as HTTP means it.
    Deflate,
}

/// The decompressed body, at most `limit` bytes. No more than that is ever held.
///
/// # Errors
/// `TooLarge` when the body is over `limit` before or after, or over the ratio; `BadInput` when it
/// is damaged.
pub fn decompress(bytes: &Bytes, encoding: Encoding, limit: usize) -> Result<Bytes, Error> {
    if bytes.len() > limit {
        return Err(Error::Body {
            bytes: bytes.len(),
            limit,
        });
    }
    match encoding {
        Encoding::Identity => Ok(bytes.clone()),
        Encoding::Gzip => gunzip(bytes, limit),
        Encoding::Zstd | Encoding::Deflate => unreachable!("no door offers it"),
    }
}

fn gunzip(bytes: &Bytes, limit: usize) -> Result<Bytes, Error> {
    let limit = limit.min(bytes.len().saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES));
    let mut body = Vec::new();
    // One byte more than allowed tells a body that fits from one that does not.
    MultiGzDecoder::new(bytes.as_ref())
        .take(limit as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|source| Error::Gzip { source })?;
    if body.len() > limit {
        return Err(Error::Decompressed {
            compressed: bytes.len(),
            limit,
        });
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests;
