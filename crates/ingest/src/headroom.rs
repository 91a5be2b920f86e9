//! Room on the disk: requests are refused before it is full, and taken again by themselves once there is room. A file
//! that holds nothing, the ballast, gives way when somebody else has filled the disk, so that rows in memory can still be
//! flushed and old parts retired.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crawlspace_disk::{FileSystem, Space};

use crate::Error;

/// Requests are refused with less than this free, or with less than a twentieth of the disk: whatever is less.
pub const FREE_BYTES_MIN: u64 = 1 << 30;
const FREE_SHARE_MIN: u64 = 20;
/// The ballast's size, or a hundredth of the disk: whatever is less.
pub const BALLAST_BYTES: u64 = 64 << 20;
const BALLAST_SHARE: u64 = 100;
/// The ballast's name in the data directory.
const BALLAST_NAME: &str = "ballast";
/// What is written to see whether the disk takes anything at all.
const PROBE_NAME: &str = "probe";

/// How the disk fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskState {
    pub free_bytes: u64,
    /// With less than this free, requests are refused.
    pub needed_bytes: u64,
    /// Whether they are refused now.
    pub is_short: bool,
}

/// The disk of the data directory, as it was when last looked at.
#[derive(Debug)]
pub struct Headroom {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    free_bytes: AtomicU64,
    needed_bytes: AtomicU64,
    is_short: AtomicBool,
    /// How often there was room again.
    recoveries: AtomicU64,
}

impl Headroom {
    /// Looks at the disk of the data directory, which exists. To be made before anything else is written there: a disk
    /// that is full gets the ballast's room.
    #[must_use]
    pub fn new(fs: Arc<dyn FileSystem>, dir: &Path) -> Arc<Self> {
        let headroom = Self {
            fs,
            dir: dir.to_owned(),
            free_bytes: AtomicU64::new(u64::MAX),
            needed_bytes: AtomicU64::new(0),
            is_short: AtomicBool::new(false),
            recoveries: AtomicU64::new(0),
        };
        headroom.look();
        Arc::new(headroom)
    }

    /// Looks at the disk, and sets or drops the ballast.
    pub(crate) fn look(&self) {
        let Space {
            free_bytes,
            size_bytes,
        } = match self.fs.space(&self.dir) {
            Ok(space) => space,
            Err(error) => {
                let path = self.dir.display();
                return tracing::warn!(%path, %error, "the room on the disk is not known");
            }
        };
        let needed = FREE_BYTES_MIN.min(size_bytes / FREE_SHARE_MIN);
        self.free_bytes.store(free_bytes, Ordering::Relaxed);
        self.needed_bytes.store(needed, Ordering::Relaxed);
        // More than was needed to stop, so that it does not come and go with each flush.
        let enough = needed + needed / 4;
        let was_short = self.is_short();
        if free_bytes < needed && !was_short {
            tracing::error!(
                free_mib = free_bytes >> 20,
                needed_mib = needed >> 20,
                "the disk is almost full: nothing is taken until there is room; questions are answered"
            );
            self.is_short.store(true, Ordering::Release);
        } else if free_bytes >= enough && was_short {
            tracing::info!(
                free_mib = free_bytes >> 20,
                "there is room on the disk again"
            );
            self.recoveries.fetch_add(1, Ordering::Relaxed);
            self.is_short.store(false, Ordering::Release);
        }
        let ballast = BALLAST_BYTES.min(size_bytes / BALLAST_SHARE);
        if free_bytes < needed / 4 {
            self.drop_ballast();
        } else if free_bytes >= enough + ballast {
            self.set_ballast(ballast);
        }
    }

    fn drop_ballast(&self) {
        let path = self.dir.join(BALLAST_NAME);
        match self.fs.remove(&path) {
            Ok(()) => tracing::warn!("the ballast gives way, for what has to be written yet"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "the ballast stays"),
        }
    }

    fn set_ballast(&self, bytes: u64) {
        match self.fs.reserve(&self.dir.join(BALLAST_NAME), bytes) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                tracing::debug!(%error, "there is no ballast");
            }
            _ => {}
        }
    }

    /// Whether the disk takes a file at all.
    pub(crate) fn takes_files(&self) -> bool {
        let path = self.dir.join(PROBE_NAME);
        // One that a crash has left behind.
        _ = self.fs.remove(&path);
        let written = self.fs.create(&path).and_then(|mut file| {
            file.append(PROBE_NAME.as_bytes())
                .and_then(|()| file.sync())
        });
        _ = self.fs.remove(&path);
        written.is_ok()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.state() {
            DiskState {
                free_bytes,
                needed_bytes,
                is_short: true,
            } => Err(Error::DiskFull {
                free_bytes,
                needed_bytes,
            }),
            _ => Ok(()),
        }
    }

    fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Acquire)
    }

    /// How often there was room again: whoever sees another number than before tries again at once.
    pub(crate) fn recoveries(&self) -> u64 {
        self.recoveries.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn state(&self) -> DiskState {
        DiskState {
            free_bytes: self.free_bytes.load(Ordering::Relaxed),
            needed_bytes: self.needed_bytes.load(Ordering::Relaxed),
            is_short: self.is_short(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crawlspace_disk::{FileSystem as _, SimFs};

    use super::Headroom;
    use crate::Error;

    const SIZE: u64 = 1_000_000;

    /// Takes so much of the disk that so much is left.
    fn leave(fs: &SimFs, bytes: u64) {
        let filler = Path::new("/filler");
        _ = fs.remove(filler);
        let free = fs.space(Path::new("/")).unwrap().free_bytes;
        fs.reserve(filler, free - bytes).unwrap();
    }

    #[test]
    fn requests_stop_before_the_disk_is_full_and_go_on_with_room_to_spare() {
        let fs = SimFs::new(1);
        fs.set_size(SIZE);
        let headroom = Headroom::new(Arc::new(fs.clone()), Path::new("/"));
        let ballast = Path::new("/ballast");
        assert_eq!(fs.len(ballast).unwrap(), SIZE / 100);
        let look = |free| {
            leave(&fs, free);
            headroom.look();
            headroom.check()
        };
        look(50_000).unwrap();
        let error = look(49_999).unwrap_err();
        assert!(matches!(
            error,
            Error::DiskFull {
                needed_bytes: 50_000,
                ..
            }
        ));
        look(60_000).unwrap_err();
        assert!(fs.len(ballast).is_ok(), "there is room to flush");
        look(12_499).unwrap_err();
        assert!(fs.len(ballast).is_err(), "it gave way");
        assert_eq!(headroom.recoveries(), 0);
        look(62_500).unwrap();
        assert!(
            fs.len(ballast).is_err(),
            "it would take what was just freed"
        );
        look(72_500).unwrap();
        assert_eq!(fs.len(ballast).unwrap(), SIZE / 100);
        assert_eq!(headroom.recoveries(), 1);
    }

    #[test]
    fn a_full_disk_takes_no_file_and_a_probe_leaves_nothing_behind() {
        let fs = SimFs::new(1);
        let headroom = Headroom::new(Arc::new(fs.clone()), Path::new("/"));
        assert!(headroom.takes_files());
        fs.set_size(3);
        assert!(!headroom.takes_files());
        let left = fs.list(Path::new("/")).unwrap();
        assert_eq!(left, [Path::new("/ballast")]);
    }
}
