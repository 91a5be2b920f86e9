//! The processes that a server runs SQL in, as Linux shows them.

use std::fs;
use std::path::{Path, PathBuf};

/// Of the server with this process id.
#[derive(Debug, Clone, Copy)]
pub struct SqlWorkers(pub u32);

impl SqlWorkers {
    pub fn ids(self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| fields_of(*id).is_some_and(|(parent, _)| parent == self.0))
            .collect()
    }

    /// Processor time of all so far, in ticks of a hundredth of a second. One that has ended takes its own along.
    pub fn processor_ticks(self) -> u64 {
        let ids = self.ids().into_iter();
        ids.filter_map(fields_of).map(|(_, ticks)| ticks).sum()
    }

    /// What those that can open nothing any more have opened all the same, but for their connection to the server and
    /// what they were given to complain to.
    pub fn files(self, log: &Path) -> Vec<PathBuf> {
        let given = [Path::new("/dev/null"), log];
        let ids = self
            .ids()
            .into_iter()
            .filter(|id| files_max(*id) == Some(0));
        let files = ids.filter_map(|id| fs::read_dir(format!("/proc/{id}/fd")).ok());
        files
            .flat_map(Iterator::flatten)
            .filter_map(|file| fs::read_link(file.path()).ok())
            .filter(|file| file.is_absolute() && !given.contains(&file.as_path()))
            .collect()
    }

    /// Whether Linux would let one of them open a file.
    pub fn may_open_files(self) -> bool {
        let mut most = self.ids().into_iter().filter_map(files_max);
        most.any(|most| most > 0)
    }
}

fn files_max(id: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// A process's parent, and its processor time: fields 4, 14 and 15 of proc_pid_stat(5).
fn fields_of(id: u32) -> Option<(u32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}
