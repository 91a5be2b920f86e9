//! The write-ahead log: what was acknowledged survives. Knows bytes, not telemetry; blocking, with
//! a single owner. Group commit is the caller's: one [`Wal::append`] is one sync, however many
//! entries it has.
#![doc = include_str!("format.md")]

mod frame;
mod replay;
mod segment;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crawlspace_disk::FileSystem;
use crawlspace_disk::fault::{self, Defect, Moment};

pub use frame::{Encoding, Entry};
pub use replay::Replay;
pub use segment::FILLER;
use segment::{Live, Segment};

/// A new segment is begun before one grows beyond this, unless a single append is larger.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// As much of a segment is written ahead as filler. A disk has room for what takes their place: to sync that is one write,
/// where a file that grows takes two more of the file system's, and a hand-over to one of the system's own threads.
pub const AHEAD_BYTES: u64 = 2 << 20;
/// Nothing is written ahead after an append of more than this share of it: such a one takes longer than what it would save.
const AHEAD_SHARE: u64 = 16;
/// Room for frames is kept for the next append up to this.
const FRAMES_KEPT_BYTES_MAX: usize = 8 << 20;
/// The longest body that a record may have, in the encoding it came in.
pub const BODY_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone)]
pub struct Config {
    /// The log's own directory. Nobody else may write there while the log is open.
    pub dir: PathBuf,
    /// Usually [`SEGMENT_BYTES_MAX`].
    pub segment_bytes_max: u64,
    /// Usually [`AHEAD_BYTES`].
    pub ahead_bytes: u64,
}

/// Sequence number of a record. Grows from record to record, by one where no append failed and
/// nothing restarted; that of an acknowledged record is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// The position `records` further on.
    #[must_use]
    pub const fn plus(self, records: u64) -> Self {
        Self(self.0.saturating_add(records))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a caller does not take a record on replay.
pub type VisitError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} `{path}`")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("cannot write records from {position} on to segment `{path}`")]
    Append {
        position: Position,
        path: PathBuf,
        source: io::Error,
    },
    #[error("a body of {bytes} bytes is over the log's limit of {BODY_BYTES_MAX}")]
    BodyTooLarge { bytes: usize },
    #[error(
        "segment `{path}` has format version {version}, this program knows up to {known}: \
         run the newer program that wrote it",
        known = segment::FORMAT_VERSION
    )]
    NewerFormat { path: PathBuf, version: u32 },
    #[error("cannot take record {position} of segment `{path}`")]
    Visit {
        position: Position,
        path: PathBuf,
        source: VisitError,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// An open log.
#[derive(Debug)]
pub struct Wal {
    fs: Arc<dyn FileSystem>,
    config: Config,
    next: Position,
    /// Oldest first.
    closed: VecDeque<Segment>,
    /// None until the first append, and after a failed one.
    live: Option<Live>,
    /// Whether the last of `closed` has a torn tail that is still to be cut off.
    torn: bool,
    /// Room for the frames of an append.
    frames: Vec<u8>,
}

impl Wal {
    /// Opens the log and hands every whole record at or after `from` to `visit`, in order. `from`
    /// is the position up to which everything is kept elsewhere; positions below it are never given
    /// out again.
    ///
    /// # Errors
    /// The directory can't be made or listed, a segment was written in a newer format, or `visit`
    /// fails. Damage and unreadable segments are no errors: [`Replay`] tells of them.
    pub fn open(
        fs: Arc<dyn FileSystem>,
        config: Config,
        from: Position,
        visit: &mut dyn FnMut(Position, Entry) -> Result<(), VisitError>,
    ) -> Result<(Self, Replay), Error> {
        let dir = &config.dir;
        fs.create_dir_all(dir)
            .map_err(|source| Error::io("create", dir, source))?;
        let opened = replay::replay(fs.as_ref(), dir, from, visit)?;
        let wal = Self {
            fs,
            config,
            next: opened.next,
            closed: opened.segments,
            live: None,
            torn: opened.replay.torn_bytes > 0,
            frames: Vec::new(),
        };
        Ok((wal, opened.replay))
    }

    /// Writes all entries and makes them durable with one sync; gives the position of the first,
    /// the others follow.
    ///
    /// # Errors
    /// Then none of them may be acknowledged. They are cut off again as far as that can be done,
    /// and nothing more is written to that segment: the next append begins a new one. Some may
    /// still come back on replay.
    pub fn append(&mut self, entries: &[Entry]) -> Result<Position, Error> {
        let sizes = || entries.iter().map(|entry| entry.body.len());
        if let Some(bytes) = sizes().find(|bytes| *bytes > BODY_BYTES_MAX) {
            return Err(Error::BodyTooLarge { bytes });
        }
        if entries.is_empty() {
            return Ok(self.next);
        }
        let bytes_max: usize = entries.iter().map(frame::bytes_max).sum();
        let mut live = self.live_with_room(bytes_max as u64)?;
        let first = self.next;
        let mut frames = std::mem::take(&mut self.frames);
        for entry in entries {
            frame::write(entry, self.next, live.salt, &mut frames);
            // Counted whatever comes of it: what fails may come back on replay, and must not meet
            // its own number.
            self.next = self.next.plus(1);
        }
        let written = write(&mut live, &frames, &self.config);
        let bytes = frames.len() as u64;
        if frames.capacity() <= FRAMES_KEPT_BYTES_MAX {
            frames.clear();
            self.frames = frames;
        }
        match written {
            Ok(()) => {
                live.segment.bytes += bytes;
                self.live = Some(live);
                Ok(first)
            }
            Err(source) => {
                let path = live.segment.path.clone();
                self.cut_to_whole_frames(&live.segment);
                self.closed.push_back(live.segment);
                Err(Error::Append {
                    position: first,
                    path,
                    source,
                })
            }
        }
    }

    fn live_with_room(&mut self, bytes: u64) -> Result<Live, Error> {
        if let Some(live) = self.live.take() {
            if live.segment.bytes + bytes <= self.config.segment_bytes_max || live.is_empty() {
                return Ok(live);
            }
            self.closed.push_back(live.segment);
        }
        let first = self.next;
        let created = Live::create(self.fs.as_ref(), &self.config, first);
        let live = created.map_err(|source| {
            // The file may still be there: its name is used up.
            self.next = first.plus(1);
            Error::io("begin a segment in", &self.config.dir, source)
        })?;
        fault::crash_at(Moment::SegmentBegun);
        // Not before: until the new segment's name is durable, the tail tells which positions may
        // have been used.
        if std::mem::take(&mut self.torn)
            && let Some(torn) = self.closed.back()
        {
            self.cut_to_whole_frames(torn);
        }
        Ok(live)
    }

    fn cut_to_whole_frames(&self, segment: &Segment) {
        if let Err(error) = self.fs.truncate(&segment.path, segment.bytes) {
            let path = segment.path.display();
            tracing::warn!(%path, %error, "cannot cut unacknowledged bytes off a segment");
        }
    }

    /// The position that the next record will get, if its append does not fail.
    #[must_use]
    pub fn next_position(&self) -> Position {
        self.next
    }

    /// Deletes segments that hold only records below `position`; damaged ones are set aside under
    /// another name. The newest stays in any case: its name keeps positions from being used again.
    ///
    /// # Errors
    /// A segment can't be deleted; older ones may be gone. After a crash deleted segments may be
    /// back.
    pub fn truncate(&mut self, position: Position) -> Result<(), Error> {
        let live = self.live.as_ref().map(|live| live.segment.first);
        // A segment ends where the next begins.
        let ends = self
            .closed
            .iter()
            .skip(1)
            .map(|segment| segment.first)
            .chain(live);
        let count = ends
            .take(self.closed.len())
            .take_while(|end| *end <= position)
            .count();
        for _ in 0..count {
            let Segment {
                path, is_damaged, ..
            } = &self.closed[0];
            let gone = if *is_damaged {
                self.fs.rename(path, &segment::set_aside_path(path))
            } else {
                self.fs.remove(path)
            };
            match gone {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path, source));
                }
                _ => self.closed.pop_front(),
            };
            fault::crash_at(Moment::SegmentRemoved);
        }
        if count > 0 {
            let dir = &self.config.dir;
            self.fs
                .sync_dir(dir)
                .map_err(|source| Error::io("sync", dir, source))?;
        }
        Ok(())
    }

    /// How many segments there are on disk.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.closed.len() + usize::from(self.live.is_some())
    }

    /// The size of all segments, without the filler behind those that were begun since the log was opened.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let live = self.live.as_ref().map(|live| &live.segment);
        self.closed
            .iter()
            .chain(live)
            .map(|segment| segment.bytes)
            .sum()
    }
}

fn write(live: &mut Live, frames: &[u8], config: &Config) -> io::Result<()> {
    let written = live.append(frames, config);
    fault::crash_at(Moment::LogWritten);
    if fault::has(Defect::SyncErrorIgnored) {
        _ = live.file.sync();
        return Ok(());
    }
    written?;
    if !fault::has(Defect::SyncSkipped) {
        live.file.sync()?;
    }
    fault::crash_at(Moment::LogSynced);
    Ok(())
}

#[cfg(test)]
mod tests;
