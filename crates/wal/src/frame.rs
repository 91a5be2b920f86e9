//! One record as bytes: the frame. The format is frozen; it stands in the crate's documentation.

use bytes::{Buf as _, BufMut as _, Bytes};
use crawlspace_disk::fault::{self, Defect};

use crate::{BODY_BYTES_MAX, Position};

const MAGIC: [u8; 4] = [0x89, b'C', b'W', b'F'];
/// Magic, length, checksum.
const PREFIX_BYTES: usize = 12;
/// Everything before the body.
pub const HEAD_BYTES: usize = 52;

/// How much faster than usual bodies are compressed: a third, for a seventh more bytes.
const ACCELERATION: i32 = 8;

/// The content encoding that a body came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    Identity = 0,
    Gzip = 1,
    Zstd = 2,
    Deflate = 3,
}

impl Encoding {
    fn of(byte: u8) -> Option<Self> {
        [Self::Identity, Self::Gzip, Self::Zstd, Self::Deflate]
            .into_iter()
            .nth(byte.into())
    }
}

/// What one record holds: a request's body, and what is needed to decode it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Nanoseconds since 1970, UTC.
    pub received_at: i64,
    pub project: u32,
    pub key: u32,
    /// The protocol that the body came by; the numbers are the caller's.
    pub door: u8,
    /// The numbers are the caller's.
    pub content_type: u8,
    pub encoding: Encoding,
    /// As it came, at most [`BODY_BYTES_MAX`].
    pub body: Bytes,
}

/// How a body lies in its frame.
#[derive(Clone, Copy)]
#[repr(u8)]
enum StoredForm {
    AsIs = 0,
    Lz4 = 1,
}

/// A frame that was read and is whole.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub position: Position,
    pub salt: u64,
    pub entry: Entry,
    /// Where the next frame starts.
    pub end: usize,
}

/// What [`write`] adds at most.
pub fn bytes_max(entry: &Entry) -> usize {
    HEAD_BYTES + entry.body.len()
}

/// Appends the entry's frame. Its body must not be longer than [`BODY_BYTES_MAX`].
pub fn write(entry: &Entry, position: Position, salt: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + HEAD_BYTES, 0);
    let form = write_body(entry, out);
    let stored = out.len() - start - HEAD_BYTES;
    let mut head = &mut out[start..start + HEAD_BYTES];
    head.put_slice(&MAGIC);
    head.put_slice(&length(HEAD_BYTES - PREFIX_BYTES + stored));
    head.put_u32_le(0);
    head.put_u64_le(salt);
    head.put_u64_le(position.0);
    head.put_i64_le(entry.received_at);
    head.put_u32_le(entry.project);
    head.put_u32_le(entry.key);
    head.put_slice(&[
        entry.door,
        entry.content_type,
        entry.encoding as u8,
        form as u8,
    ]);
    head.put_slice(&length(entry.body.len()));
    let checksum = crc32c::crc32c(&out[start + PREFIX_BYTES..]);
    out[start + 8..start + PREFIX_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// Appends the body, compressed if it came without compression and that is shorter.
fn write_body(entry: &Entry, out: &mut Vec<u8>) -> StoredForm {
    let start = out.len();
    if entry.encoding == Encoding::Identity
        && let Ok(bound) = lz4::block::compress_bound(entry.body.len())
    {
        out.resize(start + bound, 0);
        let mode = lz4::block::CompressionMode::FAST(ACCELERATION);
        let compressed =
            lz4::block::compress_to_buffer(&entry.body, Some(mode), false, &mut out[start..]);
        if let Ok(bytes) = compressed
            && bytes < entry.body.len()
        {
            out.truncate(start + bytes);
            return StoredForm::Lz4;
        }
        out.truncate(start);
    }
    out.extend_from_slice(&entry.body);
    StoredForm::AsIs
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes)
        .expect("a frame is bounded by BODY_BYTES_MAX")
        .to_le_bytes()
}

/// The frame that starts at `offset`; `None` unless it is whole and, where `salt` is given, has
/// that salt.
///
/// The salt is compared before anything is summed up: with it, looking for frames in bytes that a
/// client has chosen takes linear time and finds none.
pub fn read(bytes: &Bytes, offset: usize, salt: Option<u64>) -> Option<Frame> {
    let mut head = bytes.get(offset..offset.checked_add(HEAD_BYTES)?)?;
    if !head.starts_with(&MAGIC) {
        return None;
    }
    head.advance(MAGIC.len());
    let length = usize::try_from(head.get_u32_le()).ok()?;
    let checksum = head.get_u32_le();
    let found_salt = head.get_u64_le();
    let body_bytes = length.checked_sub(HEAD_BYTES - PREFIX_BYTES)?;
    let end = offset + HEAD_BYTES + body_bytes;
    if salt.is_some_and(|salt| salt != found_salt) || body_bytes > BODY_BYTES_MAX {
        return None;
    }
    let is_whole = crc32c::crc32c(bytes.get(offset + PREFIX_BYTES..end)?) == checksum;
    if !is_whole && !fault::has(Defect::ChecksumIgnored) {
        return None;
    }
    let position = Position(head.get_u64_le());
    let received_at = head.get_i64_le();
    let (project, key) = (head.get_u32_le(), head.get_u32_le());
    let (door, content_type) = (head.get_u8(), head.get_u8());
    let encoding = Encoding::of(head.get_u8())?;
    let form = head.get_u8();
    let body_len = usize::try_from(head.get_u32_le()).ok()?;
    let body = restore(form, bytes.slice(offset + HEAD_BYTES..end), body_len)?;
    let entry = Entry {
        received_at,
        project,
        key,
        door,
        content_type,
        encoding,
        body,
    };
    Some(Frame {
        position,
        salt: found_salt,
        entry,
        end,
    })
}

fn restore(form: u8, stored: Bytes, body_len: usize) -> Option<Bytes> {
    const AS_IS: u8 = StoredForm::AsIs as u8;
    const LZ4: u8 = StoredForm::Lz4 as u8;
    let body = match form {
        AS_IS => stored,
        LZ4 if body_len <= BODY_BYTES_MAX => {
            lz4_flex::block::decompress(&stored, body_len).ok()?.into()
        }
        _ => return None,
    };
    (body.len() == body_len).then_some(body)
}

/// The first whole frame at or after `offset` whose position is `from` or higher.
pub fn find(bytes: &Bytes, offset: usize, salt: Option<u64>, from: Position) -> Option<Frame> {
    let mut offset = offset;
    loop {
        if let Some(frame) = read(bytes, offset, salt).filter(|frame| frame.position >= from) {
            return Some(frame);
        }
        offset += 1;
        offset += bytes
            .get(offset..)?
            .windows(MAGIC.len())
            .position(|four| four == MAGIC)?;
    }
}

#[cfg(test)]
mod tests;
