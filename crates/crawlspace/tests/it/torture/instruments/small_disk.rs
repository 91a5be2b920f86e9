//! A disk of a few megabytes, in memory, in a mount namespace of its own: whoever runs the tests may have one, and it is
//! gone with the process that holds it.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use crawlspace_disk::{FileSystem as _, RealFs};

use super::mounted::hold;
use crate::server::{Refusal, Server, poll};

/// What may mount a file system of its own, as anybody.
const OWN_MOUNTS: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];

const FILLED_WITHIN: Duration = Duration::from_secs(20);

pub struct SmallDisk {
    holder: Child,
    /// Where the server has it.
    place: PathBuf,
    _home: tempfile::TempDir,
}

impl SmallDisk {
    /// None where this machine lets nobody mount one.
    pub fn mount(mebibytes: u64) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("disk");
        std::fs::create_dir(&place).unwrap();
        let mount = format!(
            "mount -t tmpfs -o size={mebibytes}M none {}",
            place.display()
        );
        Some(Self {
            holder: hold(&OWN_MOUNTS, &mount)?,
            place,
            _home: home,
        })
    }

    /// A server whose data directory is on the disk.
    pub fn start(&self, flags: &[&str]) -> Result<Server, Refusal> {
        let holder = self.holder.id().to_string();
        let words = [
            "nsenter",
            "--preserve-credentials",
            "-U",
            "-m",
            "-t",
            &holder,
        ];
        Server::try_start_by(&words, &self.place.join("data"), flags)
    }

    /// The disk as it is seen from outside.
    fn root(&self) -> PathBuf {
        let place = self.place.strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(place)
    }

    pub fn free_bytes(&self) -> u64 {
        RealFs.space(&self.root()).unwrap().free_bytes
    }

    /// Takes all room but so much.
    pub fn fill(&self, leave: u64) {
        let filled = poll(FILLED_WITHIN, || {
            let bytes = self.free_bytes().saturating_sub(leave);
            // The program may have written meanwhile.
            RealFs.reserve(&self.filler(), bytes).is_ok()
        });
        assert!(filled, "the disk is not filled");
    }

    pub fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.root().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        _ = self.holder.kill();
        _ = self.holder.wait();
    }
}
