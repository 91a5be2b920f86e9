//! The operating system's files, and the lock that keeps a second process out of a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::{AppendFile, FileSystem, Space};

/// The name of the file that [`DirectoryLock`] locks.
const LOCK_NAME: &str = "LOCK";
/// What is written of filler at a time.
const FILLER_CHUNK_BYTES: usize = 256 << 10;

/// The file system of the machine, through `std::fs`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl FileSystem for RealFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = dir
            .ancestors()
            .take_while(|path| !here(path).is_dir())
            .collect();
        for dir in missing.into_iter().rev() {
            match std::fs::create_dir(dir) {
                // Someone else may have made it meanwhile.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => {
                    return Err(error);
                }
                _ => self.sync_dir(dir)?,
            }
            self.sync_dir(dir.parent().unwrap_or(dir))?;
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(RealFile { file, end: 0 }))
    }

    fn read(&self, path: &Path) -> io::Result<Bytes> {
        std::fs::read(path).map(Bytes::from)
    }

    fn read_range(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(range.start))?;
        let len = range.end.saturating_sub(range.start);
        let len_here = file.metadata()?.len().saturating_sub(range.start).min(len);
        // All at once: a buffer that grows is moved, and ends up larger than what is in it.
        let mut bytes = Vec::with_capacity(usize::try_from(len_here).unwrap_or_default());
        file.take(len).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(std::fs::metadata(path)?.len())
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() > len {
            file.set_len(len)?;
        }
        file.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(here(dir))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(dir.join(entry.file_name()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(here(dir))?.sync_all()
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        let disk = rustix::fs::statvfs(here(dir))?;
        Ok(Space {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        })
    }

    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        fill(&file, bytes).inspect_err(|_| _ = std::fs::remove_file(path))
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        done => return Ok(done?),
    }
    write_filler(file, 0..bytes, 0)?;
    file.sync_data()
}

fn write_filler(file: &File, range: Range<u64>, filler: u8) -> io::Result<()> {
    let chunk = vec![filler; FILLER_CHUNK_BYTES];
    for at in range.clone().step_by(chunk.len()) {
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        file.write_all_at(&chunk[..left.min(chunk.len())], at)?;
    }
    Ok(())
}

/// The parent of a bare relative name is the empty path, which the system calls `.`.
fn here(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    /// Where the next bytes go: filler may lie behind it.
    end: u64,
}

impl AppendFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn write_ahead(&mut self, bytes: u64, filler: u8) -> io::Result<()> {
        write_filler(&self.file, self.end..self.end + bytes, filler)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Says that this process alone works in a directory, for as long as the value lives. The system
/// lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Locks `<dir>/LOCK`, creating the file where it is missing; `None` where someone else holds
    /// it.
    ///
    /// # Errors
    /// The file can't be opened, or its file system can't lock.
    pub fn take(dir: &Path) -> io::Result<Option<Self>> {
        let path = dir.join(LOCK_NAME);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
