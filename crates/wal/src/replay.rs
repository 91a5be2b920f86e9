//! Reading the log back: every whole record in order, around whatever damage there is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use crawlspace_disk::FileSystem;

use crate::frame::{self, Entry, Frame};
use crate::segment::{self, HEADER_BYTES, Header, Segment};
use crate::{Error, Position, VisitError};

/// What opening the log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// Records handed to the visitor.
    pub records: u64,
    /// Records lost to damage, as their neighbours' positions tell; at the end of a segment at
    /// least one.
    pub damaged: u64,
    /// Bytes after the last whole record of the log, without what was written ahead: what a crash
    /// leaves, never acknowledged.
    pub torn_bytes: u64,
    /// Segment files found.
    pub segments: usize,
    /// Segments that could not be read, under the names they have now.
    pub set_aside: Vec<PathBuf>,
}

/// What the log goes on from.
pub struct Opened {
    pub replay: Replay,
    pub segments: VecDeque<Segment>,
    pub next: Position,
}

pub type Visitor<'a> = dyn FnMut(Position, Entry) -> Result<(), VisitError> + 'a;

/// Reads the log in `dir` from `from` on. Changes nothing, except that it sets unreadable segments
/// aside.
pub fn replay(
    fs: &dyn FileSystem,
    dir: &Path,
    from: Position,
    visit: &mut Visitor<'_>,
) -> Result<Opened, Error> {
    let names = fs
        .list(dir)
        .map_err(|source| Error::io("list", dir, source))?;
    let set_aside = names
        .iter()
        .filter_map(|path| segment::position_of_set_aside(path));
    let found: Vec<(Position, &PathBuf)> = names
        .iter()
        .filter_map(|path| segment::position_of(path).map(|first| (first, path)))
        .collect();
    // No position that was ever given out may be given out again: not the caller's, and none that a
    // name tells of.
    let named = set_aside
        .chain(found.iter().map(|(first, _)| *first))
        .map(|first| first.plus(1));
    let mut reader = Reader {
        fs,
        from,
        visit,
        expected: Position(0),
        unused: named.fold(from, Position::max),
        replay: Replay {
            segments: found.len(),
            ..Replay::default()
        },
        segments: VecDeque::new(),
    };
    for (i, (first, path)) in found.iter().enumerate() {
        let end = found.get(i + 1).map(|(first, _)| *first);
        reader.segment(*first, path, end)?;
    }
    let next = reader.expected.max(reader.unused);
    Ok(Opened {
        replay: reader.replay,
        segments: reader.segments,
        next,
    })
}

struct Reader<'a> {
    fs: &'a dyn FileSystem,
    from: Position,
    visit: &'a mut Visitor<'a>,
    /// One more than the last position read.
    expected: Position,
    /// No position from here on was ever given out, as far as names and lengths tell.
    unused: Position,
    replay: Replay,
    segments: VecDeque<Segment>,
}

impl Reader<'_> {
    /// Reads one segment; `end` is the first position of the next, `None` in the last.
    fn segment(
        &mut self,
        first: Position,
        path: &Path,
        end: Option<Position>,
    ) -> Result<(), Error> {
        if end.is_some_and(|end| end <= self.from) {
            // Only `Wal::bytes` wants to know, and reading it is not worth failing for.
            let bytes = self.fs.len(path).unwrap_or_default();
            self.segments.push_back(Segment {
                first,
                path: path.to_owned(),
                bytes,
                is_damaged: false,
            });
            return Ok(());
        }
        let bytes = match self.fs.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "cannot read a segment, set aside");
                self.set_aside(first, path);
                return Ok(());
            }
        };
        let damaged_before = self.replay.damaged;
        let whole = self.records(first, path, &bytes)?;
        let rest = bytes[whole..]
            .iter()
            .rposition(|byte| *byte != segment::FILLER)
            .map_or(0, |last| last + 1);
        if end.is_some() {
            self.replay.damaged += u64::from(rest > 0);
        } else {
            self.replay.torn_bytes = rest as u64;
            self.reserve(self.expected.max(first), rest as u64);
        }
        let damaged = self.replay.damaged - damaged_before;
        if damaged > 0 {
            tracing::warn!(path = %path.display(), damaged, "damaged records of a segment are skipped");
        }
        let bytes = if end.is_some() { bytes.len() } else { whole } as u64;
        self.segments.push_back(Segment {
            first,
            path: path.to_owned(),
            bytes,
            is_damaged: damaged > 0,
        });
        Ok(())
    }

    /// Visits all whole records; gives the length up to the end of the last one.
    fn records(&mut self, name: Position, path: &Path, bytes: &Bytes) -> Result<usize, Error> {
        let (first, mut salt, mut whole) = match segment::read_header(bytes) {
            Header::Whole { first, salt } => (first, Some(salt), HEADER_BYTES),
            Header::NewerFormat(version) => {
                return Err(Error::NewerFormat {
                    path: path.to_owned(),
                    version,
                });
            }
            Header::Damaged => (name, None, 0),
        };
        if salt.is_none() && bytes.len() >= HEADER_BYTES {
            tracing::warn!(path = %path.display(), "a segment's header is damaged");
        }
        self.expected = self.expected.max(first);
        while let Some(frame) = frame::find(bytes, whole, salt, self.expected) {
            let Frame {
                position,
                entry,
                end,
                salt: found_salt,
            } = frame;
            self.replay.damaged += position.0 - self.expected.0;
            self.expected = position.plus(1);
            salt = Some(found_salt);
            whole = end;
            if position >= self.from {
                (self.visit)(position, entry).map_err(|source| Error::Visit {
                    position,
                    path: path.to_owned(),
                    source,
                })?;
                self.replay.records += 1;
            }
        }
        Ok(whole)
    }

    fn set_aside(&mut self, first: Position, path: &Path) {
        // How many records it holds is unknown: as many as fit, or as fit in any file.
        let bytes = self.fs.len(path).unwrap_or(u64::from(u32::MAX));
        self.reserve(first, bytes);
        let target = segment::set_aside_path(path);
        let dir = path.parent().unwrap_or(path);
        let moved = self
            .fs
            .rename(path, &target)
            .and_then(|()| self.fs.sync_dir(dir));
        let path = match moved {
            Ok(()) => target,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot rename a segment");
                path.to_owned()
            }
        };
        self.replay.set_aside.push(path);
    }

    /// Keeps the positions of all frames that `bytes` can have held, from `first` on, from being
    /// used again.
    fn reserve(&mut self, first: Position, bytes: u64) {
        let frames_max = bytes.div_ceil(frame::HEAD_BYTES as u64);
        self.unused = self.unused.max(first.plus(frames_max));
    }
}
