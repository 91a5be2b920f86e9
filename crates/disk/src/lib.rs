//! Files behind one thin trait, and faults on purpose ([`fault`]): every write of the log and of local parts can be made to
//! fail or to crash.
//!
//! Two implementations: [`RealFs`] and [`SimFs`]. Calls block: call them from threads that may.

pub mod fault;
mod real;
mod sim;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;

pub use real::{DirectoryLock, RealFs};
pub use sim::SimFs;

/// How much room the disk of a directory has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this user may still write.
    pub free_bytes: u64,
    /// What there is in all.
    pub size_bytes: u64,
}

/// What Crawlspace asks of a file system. Durability is explicit: bytes after [`AppendFile::sync`], names (created,
/// renamed, removed) after [`FileSystem::sync_dir`] of their directory.
pub trait FileSystem: Send + Sync + std::fmt::Debug + 'static {
    /// Creates the directory and its parents, durably. No error where it exists.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Creates a file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>>;
    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Bytes>;
    /// Bytes of a file; fewer where it ends before the range does.
    fn read_range(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes>;
    /// The file's length in bytes.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Cuts a file to `len` bytes and makes that durable.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// The files (not directories) directly in a directory, sorted by name.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// The room on the disk of a directory.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// Creates a file that takes so much of the disk, whatever is in it.
    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()>;
}

/// A file that only grows, and that nobody else cuts meanwhile.
pub trait AppendFile: Send + std::fmt::Debug {
    /// Writes all bytes at the end; an error may leave some of them written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Writes so many bytes of filler behind the end, which stays where it is: what is appended later takes their place, and
    /// is durable sooner than where the file grows with it. An error may leave some of them written.
    fn write_ahead(&mut self, bytes: u64, filler: u8) -> io::Result<()>;
    /// Makes all that was written durable (`fdatasync`).
    fn sync(&mut self) -> io::Result<()>;
}

#[cfg(test)]
mod tests;
