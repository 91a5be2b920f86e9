//! A segment: the file's name, its header, and how a new one comes to be. The formats stand in the
//! crate's documentation.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Buf as _;
use crawlspace_disk::{AppendFile, FileSystem};

use crate::{AHEAD_SHARE, Config, Position};

const MAGIC: [u8; 8] = *b"CRAWLWAL";
pub const FORMAT_VERSION: u32 = 1;
pub const HEADER_BYTES: usize = 32;
const CHECKSUM_OFFSET: usize = HEADER_BYTES - 4;
/// What is written ahead, and may follow the last record. No zeros: those are what damage leaves.
pub const FILLER: u8 = 0xa5;
const SUFFIX: &str = ".wal";
const SET_ASIDE_SUFFIX: &str = ".wal.damaged";
const NAME_DIGITS: usize = 20;

/// A segment on disk.
#[derive(Debug, Clone)]
pub struct Segment {
    pub first: Position,
    pub path: PathBuf,
    /// Header and whole frames.
    pub bytes: u64,
    /// Records of it could not be read: it is kept for inspection instead of being deleted.
    pub is_damaged: bool,
}

/// The segment that records are appended to.
#[derive(Debug)]
pub struct Live {
    pub segment: Segment,
    pub salt: u64,
    pub file: Box<dyn AppendFile>,
    /// The length of the file, filler and all, at most.
    file_bytes: u64,
}

impl Live {
    /// A new segment, durable with its name and header. Where that fails no file stays, if it can
    /// be helped.
    pub fn create(fs: &dyn FileSystem, config: &Config, first: Position) -> io::Result<Self> {
        let name = format!("{:0width$}{SUFFIX}", first.0, width = NAME_DIGITS);
        let path = config.dir.join(name);
        let mut live = Self {
            file: fs.create(&path)?,
            segment: Segment {
                first,
                path,
                bytes: 0,
                is_damaged: false,
            },
            salt: random_salt(),
            file_bytes: 0,
        };
        let written = live
            .append(&header(first, live.salt), config)
            .and_then(|()| live.file.sync())
            .and_then(|()| fs.sync_dir(&config.dir));
        if let Err(error) = written {
            let path = &live.segment.path;
            if let Err(error) = fs.remove(path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove an unfinished segment");
            }
            return Err(error);
        }
        live.segment.bytes = HEADER_BYTES as u64;
        Ok(live)
    }

    /// Puts bytes behind the segment's, which are not counted and not durable yet. Where the file
    /// grows with them, filler is written for what comes next.
    pub fn append(&mut self, bytes: &[u8], config: &Config) -> io::Result<()> {
        self.file.append(bytes)?;
        let end = self.segment.bytes + bytes.len() as u64;
        let is_little = bytes.len() as u64 <= config.ahead_bytes / AHEAD_SHARE;
        if end > self.file_bytes && is_little {
            let room = config.segment_bytes_max.saturating_sub(end);
            let ahead = room.min(config.ahead_bytes);
            self.file_bytes = end + ahead;
            if let Err(error) = self.file.write_ahead(ahead, FILLER) {
                // What was appended is there. If there is no room for more, the next append finds out.
                let path = self.segment.path.display();
                tracing::debug!(%path, %error, "cannot write ahead");
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.segment.bytes == HEADER_BYTES as u64
    }
}

/// Nothing depends on the salt's value, except that nobody who sends bodies may be able to guess
/// it.
fn random_salt() -> u64 {
    RandomState::new().build_hasher().finish()
}

pub fn header(first: Position, salt: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[12..20].copy_from_slice(&first.0.to_le_bytes());
    header[20..28].copy_from_slice(&salt.to_le_bytes());
    let checksum = crc32c::crc32c(&header[..CHECKSUM_OFFSET]);
    header[CHECKSUM_OFFSET..].copy_from_slice(&checksum.to_le_bytes());
    header
}

#[derive(Debug, PartialEq)]
pub enum Header {
    Whole { first: Position, salt: u64 },
    NewerFormat(u32),
    Damaged,
}

pub fn read_header(bytes: &[u8]) -> Header {
    let Some(bytes) = bytes
        .get(..HEADER_BYTES)
        .filter(|bytes| bytes.starts_with(&MAGIC))
    else {
        return Header::Damaged;
    };
    let (mut fields, mut checksum) = bytes.split_at(CHECKSUM_OFFSET);
    if crc32c::crc32c(fields) != checksum.get_u32_le() {
        return Header::Damaged;
    }
    fields.advance(MAGIC.len());
    match fields.get_u32_le() {
        FORMAT_VERSION => Header::Whole {
            first: Position(fields.get_u64_le()),
            salt: fields.get_u64_le(),
        },
        version => Header::NewerFormat(version),
    }
}

/// The first position of the segment that has this name, if it is one.
pub fn position_of(path: &Path) -> Option<Position> {
    position_before(path, SUFFIX)
}

/// The first position of the segment that was set aside under this name, if it is one.
pub fn position_of_set_aside(path: &Path) -> Option<Position> {
    position_before(path, SET_ASIDE_SUFFIX)
}

fn position_before(path: &Path, suffix: &str) -> Option<Position> {
    let digits = path.file_name()?.to_str()?.strip_suffix(suffix)?;
    let plain = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok().map(Position))?
}

/// The name under which a segment is set aside.
pub fn set_aside_path(path: &Path) -> PathBuf {
    path.with_extension("wal.damaged")
}
