//! The bytes of a request, decompressed within bounds. Which encodings a door takes is the door's
//! matter.

mod growing;

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use self::growing::NOT_ADMITTED;
pub use self::growing::{Admit, Growing};
use crate::Error;

/// The most bytes of a body, before and after decompression.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// The most bytes that one compressed byte may become, once there are more than
/// [`RATIO_FREE_BYTES`].
pub const RATIO_MAX: usize = 200;

/// Up to here any ratio is fine: small bodies of equal records compress well.
pub const RATIO_FREE_BYTES: usize = 1 << 20;

/// The largest window that a zstd frame may ask for, as a power of two: 8 MiB, what HTTP allows
/// (RFC 9659, section 3). A decoder holds one window beside the body.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The most members of a gzip body. Each costs the work of a new decoder, however little is in it.
pub const GZIP_MEMBERS_MAX: usize = 1_000;

/// How a body was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    /// One member or several.
    Gzip,
    /// One frame or several, without a dictionary.
    Zstd,
    /// In zlib's wrapping, as HTTP means it, or bare.
    Deflate,
}

/// The decompressed body, at most `limit` bytes. No more than that is ever held; `admit` is asked
/// for room before each piece of it is.
///
/// # Errors
/// `TooLarge` when the body is over `limit` before or after, or over the ratio; `BadInput` when it
/// is damaged; `Unavailable` when it was not admitted.
pub fn decompress(
    bytes: &Bytes,
    encoding: Encoding,
    limit: usize,
    admit: Admit<'_>,
) -> Result<Bytes, Error> {
    if bytes.len() > limit {
        return Err(Error::Body {
            bytes: bytes.len(),
            limit,
        });
    }
    let limit = limit.min(bytes.len().saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES));
    let (name, body) = match encoding {
        Encoding::Identity => return Ok(bytes.clone()),
        Encoding::Gzip => ("gzip", read_bounded(Members::new(bytes), limit, admit)),
        Encoding::Zstd => ("zstd", unzstd(bytes, limit, admit)),
        Encoding::Deflate => ("deflate", inflate(bytes, limit, admit)),
    };
    match body {
        Ok(Some(body)) => Ok(body),
        Ok(None) => Err(Error::Decompressed {
            compressed: bytes.len(),
            limit,
        }),
        Err(source) if source.kind() == NOT_ADMITTED => Err(Error::NotAdmitted),
        Err(source) => Err(Error::Compression {
            encoding: name,
            source,
        }),
    }
}

/// Members of gzip, one after the other as if they were one.
struct Members<'a> {
    decoder: GzDecoder<&'a [u8]>,
    number: usize,
}

impl<'a> Members<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            decoder: GzDecoder::new(bytes),
            number: 1,
        }
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buffer)?;
            let rest = *self.decoder.get_ref();
            if read > 0 || rest.is_empty() {
                return Ok(read);
            }
            if self.number == GZIP_MEMBERS_MAX {
                return Err(io::Error::other(format!(
                    "it has more than {GZIP_MEMBERS_MAX} members"
                )));
            }
            self.number += 1;
            self.decoder = GzDecoder::new(rest);
        }
    }
}

fn unzstd(bytes: &[u8], limit: usize, admit: Admit<'_>) -> io::Result<Option<Bytes>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    read_bounded(decoder, limit, admit)
}

/// Everything that `reader` gives; none where that is more than `limit` bytes.
fn read_bounded(
    mut reader: impl Read,
    limit: usize,
    admit: Admit<'_>,
) -> io::Result<Option<Bytes>> {
    let (mut body, mut spare) = (Growing::new(limit), [0]);
    loop {
        let room = body.room(admit)?;
        let is_full = room.is_empty();
        // Full to the limit: the end must be here.
        let room = if is_full { &mut spare[..] } else { room };
        match reader.read(room) {
            Ok(0) => return Ok(Some(body.whole())),
            Ok(_) if is_full => return Ok(None),
            Ok(read) => body.advance(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One deflate stream from the first to the last byte. flate2's readers take a torn stream for a
/// whole one, and leave what comes after it.
fn inflate(bytes: &[u8], limit: usize, admit: Admit<'_>) -> io::Result<Option<Bytes>> {
    let mut stream = Decompress::new(has_zlib_header(bytes));
    let (mut body, mut spare) = (Growing::new(limit), [0]);
    let mut consumed = 0;
    loop {
        let room = body.room(admit)?;
        let is_full = room.is_empty();
        let room = if is_full { &mut spare[..] } else { room };
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(&bytes[consumed..], room, FlushDecompress::None)?;
        let read = stream.total_in() - before_in;
        let written = stream.total_out() - before_out;
        if is_full && written > 0 {
            return Ok(None);
        }
        // No more than the room and the bytes there are.
        consumed += read as usize;
        body.advance(written as usize);
        match status {
            Status::StreamEnd if consumed == bytes.len() => return Ok(Some(body.whole())),
            Status::StreamEnd => return Err(io::Error::other("bytes come after its end")),
            _ if read == 0 && written == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

/// RFC 1950, section 2.2: method 8, and a multiple of 31. A bare stream starts like that only with
/// padding that is not zero, which no encoder writes.
fn has_zlib_header(bytes: &[u8]) -> bool {
    match bytes {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
