//! A file system in memory that loses what was not made durable: for tests of everything that must
//! survive a crash. [`SimFs::crash`] and [`SimFs::kill`] give the files as the next process finds
//! them; all choices come from a seed.

mod state;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::{AppendFile, FileSystem, Space};
use state::{Operation, State};

/// A simulated file system. Clones share their files. `{:?}` lists every file and every name not
/// yet durable.
#[derive(Clone)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
}

impl SimFs {
    /// An empty file system, whose directories are `/` and the working directory.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(State::new(seed))
    }

    fn of(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no call panics while it holds the state")
    }

    /// The files as found after a power cut: everything durable, and an arbitrary part of the rest.
    /// This one goes on unharmed.
    #[must_use]
    pub fn crash(&self) -> Self {
        Self::of(self.lock().after_power_cut())
    }

    /// The files as found after `kill -9`: everything written, durable or not.
    #[must_use]
    pub fn kill(&self) -> Self {
        Self::of(self.lock().after_kill())
    }

    /// Makes the `n`-th mutating call from now on fail, 1 being the next. May be called several
    /// times. A failed append may have written a part; after a failed sync the unsynced bytes stay
    /// in doubt, whatever later syncs say.
    pub fn fail_nth(&self, n: u64, error: io::ErrorKind) {
        self.lock().plan_fault(n, error);
    }

    /// Whether a planned fault has not happened yet.
    #[must_use]
    pub fn has_planned_faults(&self) -> bool {
        self.lock().has_planned_faults()
    }

    /// Makes every read of the file fail, under whatever name it gets, crash or not.
    ///
    /// # Errors
    /// There is no such file.
    pub fn fail_reads(&self, path: &Path, error: io::ErrorKind) -> io::Result<()> {
        self.lock().file_mut(path)?.read_error = Some(error);
        Ok(())
    }

    /// How much fits on this disk; without this, anything does.
    pub fn set_size(&self, bytes: u64) {
        self.lock().size_bytes = bytes;
    }

    /// Flips one bit, counted from the start of the file, durably.
    ///
    /// # Errors
    /// There is no such file, or it is shorter.
    pub fn flip_bit(&self, path: &Path, bit: u64) -> io::Result<()> {
        let mut state = self.lock();
        let byte = state.file_mut(path)?.bytes.get_mut(index(bit / 8));
        *byte.ok_or(io::ErrorKind::UnexpectedEof)? ^= 1 << (bit % 8);
        Ok(())
    }

    /// Cuts the file or fills it up with zeros, durably.
    ///
    /// # Errors
    /// There is no such file.
    pub fn set_len(&self, path: &Path, len: u64) -> io::Result<()> {
        self.lock().file_mut(path)?.set_len(index(len));
        Ok(())
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl FileSystem for SimFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.count_call()?;
        state
            .directories
            .extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = self.lock().create(path)?;
        Ok(Box::new(SimFile {
            fs: self.clone(),
            file,
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Bytes> {
        self.read_range(path, 0..u64::MAX)
    }

    fn read_range(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes> {
        let state = self.lock();
        let bytes = state.file(path)?.read()?;
        let end = index(range.end).min(bytes.len());
        Ok(Bytes::copy_from_slice(
            &bytes[index(range.start).min(end)..end],
        ))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(self.lock().file(path)?.bytes.len() as u64)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.count_call()?;
        let file = state.file_mut(path)?;
        let len = index(len).min(file.bytes.len());
        file.set_len(len);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.lock().list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.lock().change_names(Operation::Rename {
            from: from.into(),
            to: to.into(),
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.lock()
            .change_names(Operation::Remove { path: path.into() })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.lock().sync_dir(dir)
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let state = self.lock();
        Ok(Space {
            free_bytes: state.free_bytes(),
            size_bytes: state.size_bytes,
        })
    }

    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.lock();
        if state.free_bytes() < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.create(path)?;
        state.file_mut(path)?.set_len(index(bytes));
        Ok(())
    }
}

impl fmt::Debug for SimFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

#[derive(Debug)]
struct SimFile {
    fs: SimFs,
    file: usize,
}

impl AppendFile for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.fs.lock().append(self.file, bytes)
    }

    fn write_ahead(&mut self, bytes: u64, filler: u8) -> io::Result<()> {
        let mut state = self.fs.lock();
        state.write_ahead(self.file, index(bytes), filler)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fs.lock().sync(self.file)
    }
}

#[cfg(test)]
mod tests;
