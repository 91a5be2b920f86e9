//! What a simulated file system holds: for each file which bytes are durable, for each directory
//! which names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Disks write this much at once or not at all.
const SECTOR_BYTES: usize = 512;

#[derive(Clone)]
pub struct State {
    rng: StdRng,
    pub directories: BTreeSet<PathBuf>,
    files: Vec<File>,
    /// Indexes into `files`, as programs see them.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// What led from `durable_names` to `names`, in order.
    changes: Vec<Change>,
    calls: u64,
    /// Errors by the number of the mutating call that gets them.
    faults: BTreeMap<u64, io::ErrorKind>,
    pub size_bytes: u64,
}

#[derive(Clone, Default)]
pub struct File {
    pub bytes: Vec<u8>,
    /// Where the next bytes go: filler may lie behind it.
    end: usize,
    filler: u8,
    /// The file has at least this length after a crash.
    synced_len: usize,
    /// What lies before this was part of good syncs only, or of a failed one.
    synced_bytes: usize,
    /// What lies after this has not been part of any sync, good or bad.
    clean_bytes: usize,
    /// What was part of a failed sync: the system calls it clean, the disk may never have got it.
    doubtful: Vec<Range<usize>>,
    pub read_error: Option<io::ErrorKind>,
}

#[derive(Debug, Clone)]
pub enum Operation {
    Create { path: PathBuf, file: usize },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Certainty {
    Pending,
    /// Part of a failed sync: no later one makes it certain.
    Doubtful,
    Durable,
}

#[derive(Debug, Clone)]
struct Change {
    operation: Operation,
    /// The directory whose sync makes it durable.
    dir: PathBuf,
    /// The file that gets or loses a name.
    file: usize,
    certainty: Certainty,
}

impl State {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            directories: [PathBuf::from("/"), PathBuf::new()].into(),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            calls: 0,
            faults: BTreeMap::new(),
            size_bytes: u64::MAX,
        }
    }

    /// What still fits. Of a file without a name nobody knows any more.
    pub fn free_bytes(&self) -> u64 {
        let named = self
            .names
            .values()
            .map(|file| self.files[*file].bytes.len() as u64);
        self.size_bytes.saturating_sub(named.sum())
    }

    pub fn plan_fault(&mut self, n: u64, error: io::ErrorKind) {
        self.faults.insert(self.calls + n.max(1), error);
    }

    pub fn has_planned_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    pub fn count_call(&mut self) -> io::Result<()> {
        self.calls += 1;
        self.faults
            .remove(&self.calls)
            .map_or(Ok(()), |error| Err(error.into()))
    }

    pub fn file(&self, path: &Path) -> io::Result<&File> {
        self.names
            .get(path)
            .map(|file| &self.files[*file])
            .ok_or(io::ErrorKind::NotFound.into())
    }

    pub fn file_mut(&mut self, path: &Path) -> io::Result<&mut File> {
        let file = *self.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[file])
    }

    pub fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.directories.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(self
            .names
            .keys()
            .filter(|path| path.parent() == Some(dir))
            .cloned()
            .collect())
    }

    pub fn create(&mut self, path: &Path) -> io::Result<usize> {
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = self.files.len();
        self.change_names(Operation::Create {
            path: path.into(),
            file,
        })?;
        self.files.push(File::default());
        Ok(file)
    }

    pub fn change_names(&mut self, operation: Operation) -> io::Result<()> {
        self.count_call()?;
        let (file, target) = match &operation {
            Operation::Create { path, file } => (Some(*file), path),
            Operation::Rename { from, to } => (self.names.get(from).copied(), to),
            Operation::Remove { path } => (self.names.get(path).copied(), path),
        };
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        let dir = target
            .parent()
            .filter(|dir| self.directories.contains(*dir));
        let dir = dir.ok_or(io::ErrorKind::NotFound)?.to_owned();
        let change = Change {
            operation,
            dir,
            file,
            certainty: Certainty::Pending,
        };
        change.apply(&mut self.names);
        self.changes.push(change);
        Ok(())
    }

    pub fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        let outcome = self.count_call();
        let certainty = if outcome.is_ok() {
            Certainty::Durable
        } else {
            Certainty::Doubtful
        };
        for change in &mut self.changes {
            if change.dir == dir && change.certainty == Certainty::Pending {
                change.certainty = certainty;
            }
        }
        while self
            .changes
            .first()
            .is_some_and(|first| first.certainty == Certainty::Durable)
        {
            self.changes.remove(0).apply(&mut self.durable_names);
        }
        outcome
    }

    pub fn append(&mut self, file: usize, bytes: &[u8]) -> io::Result<()> {
        let mut outcome = self.count_call();
        let mut written = if outcome.is_ok() {
            bytes.len()
        } else {
            self.rng.random_range(0..=bytes.len())
        };
        let ahead = self.files[file].bytes.len() - self.files[file].end;
        let fitting = self.fitting().saturating_add(ahead);
        if written > fitting {
            written = fitting;
            outcome = outcome.and(Err(io::ErrorKind::StorageFull.into()));
        }
        let File {
            bytes: here, end, ..
        } = &mut self.files[file];
        let (inside, behind) = bytes[..written].split_at(written.min(ahead));
        here[*end..*end + inside.len()].copy_from_slice(inside);
        here.extend_from_slice(behind);
        *end += written;
        outcome
    }

    pub fn write_ahead(&mut self, file: usize, bytes: usize, filler: u8) -> io::Result<()> {
        let outcome = self.count_call();
        let File {
            bytes: here, end, ..
        } = &self.files[file];
        let more = (end + bytes).saturating_sub(here.len());
        let written = if outcome.is_ok() {
            more
        } else {
            self.rng.random_range(0..=more)
        };
        let fits = written.min(self.fitting());
        let file = &mut self.files[file];
        file.filler = filler;
        file.bytes.resize(file.bytes.len() + fits, filler);
        if fits < written {
            return outcome.and(Err(io::ErrorKind::StorageFull.into()));
        }
        outcome
    }

    fn fitting(&self) -> usize {
        usize::try_from(self.free_bytes()).unwrap_or(usize::MAX)
    }

    pub fn sync(&mut self, file: usize) -> io::Result<()> {
        let outcome = self.count_call();
        let file = &mut self.files[file];
        if outcome.is_ok() {
            file.synced_bytes = file.end;
            file.synced_len = file.bytes.len();
        } else {
            file.doubtful.push(file.clean_bytes..file.end);
        }
        file.clean_bytes = file.end;
        outcome
    }

    pub fn after_kill(&self) -> Self {
        Self {
            faults: BTreeMap::new(),
            ..self.clone()
        }
    }

    pub fn after_power_cut(&mut self) -> Self {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let mut names = self.durable_names.clone();
        for change in &self.changes {
            if change.certainty == Certainty::Durable || rng.random() {
                change.apply(&mut names);
            }
        }
        let mut files = self.files.clone();
        files.iter_mut().for_each(|file| file.lose_power(&mut rng));
        Self {
            rng,
            directories: self.directories.clone(),
            files,
            durable_names: names.clone(),
            names,
            changes: Vec::new(),
            calls: self.calls,
            faults: BTreeMap::new(),
            size_bytes: self.size_bytes,
        }
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match &self.operation {
            Operation::Create { path, .. } => _ = names.insert(path.clone(), self.file),
            Operation::Rename { from, to } => {
                names.remove(from);
                names.insert(to.clone(), self.file);
            }
            Operation::Remove { path } => _ = names.remove(path),
        }
    }
}

impl File {
    pub fn read(&self) -> io::Result<&[u8]> {
        self.read_error
            .map_or(Ok(&self.bytes), |error| Err(error.into()))
    }

    pub fn set_len(&mut self, len: usize) {
        self.bytes.resize(len, 0);
        self.end = len;
        self.synced_len = len;
        self.synced_bytes = len;
        self.clean_bytes = len;
        for range in &mut self.doubtful {
            range.end = range.end.min(len);
        }
        self.doubtful.retain(|range| !range.is_empty());
    }

    fn lose_power(&mut self, rng: &mut StdRng) {
        let mut unsynced = std::mem::take(&mut self.doubtful);
        unsynced.push(self.clean_bytes..self.end);
        let kept = match rng.random_range(0..4) {
            0 => self.synced_bytes,
            1 => self.end,
            _ => rng.random_range(self.synced_bytes..=self.end),
        };
        // Filler is there again where what took its place is lost.
        self.bytes[kept..self.end].fill(self.filler);
        let len = if kept == self.end {
            rng.random_range(self.synced_len.max(kept)..=self.bytes.len())
        } else {
            self.synced_len.max(kept)
        };
        self.bytes.truncate(len);
        if rng.random() {
            for range in unsynced {
                self.tear(range.start.min(kept)..range.end.min(kept), rng);
            }
        }
        self.end = len;
        self.synced_len = len;
        self.synced_bytes = len;
        self.clean_bytes = len;
    }

    /// Leaves each sector's share of the range as it is, or puts zeros or garbage there.
    fn tear(&mut self, mut range: Range<usize>, rng: &mut StdRng) {
        while !range.is_empty() {
            let end = (range.start / SECTOR_BYTES + 1) * SECTOR_BYTES;
            let sector = &mut self.bytes[range.start..end.min(range.end)];
            match rng.random_range(0..4) {
                0 => sector.fill(0),
                1 => rng.fill(sector),
                _ => {}
            }
            range.start = end.min(range.end);
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, file) in &self.names {
            let File {
                bytes,
                synced_bytes,
                doubtful,
                ..
            } = &self.files[*file];
            let (path, len) = (path.display(), bytes.len());
            writeln!(
                f,
                "{path}: {len} bytes, {synced_bytes} synced, in doubt {doubtful:?}"
            )?;
        }
        for Change {
            operation,
            certainty,
            ..
        } in &self.changes
        {
            writeln!(f, "{certainty:?}: {operation:?}")?;
        }
        Ok(())
    }
}
