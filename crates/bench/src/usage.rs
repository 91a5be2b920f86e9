//! What a process and its children cost, from `/proc`, and what a directory holds. Linux only.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// `USER_HZ`: the unit of the times in `/proc/PID/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

/// A line of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of all threads and of children that have ended.
    ticks: u64,
}

fn parse_stat(line: &str) -> Option<Stat> {
    // The second field is the program's name in brackets, and may itself hold spaces and brackets.
    let (_, rest) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = fields.get(11..15)?.iter().map(|ticks| ticks.parse::<u64>());
    Some(Stat {
        parent: fields[1].parse().ok()?,
        ticks: ticks.sum::<Result<u64, _>>().ok()?,
    })
}

/// The process and everything below it: queries may run in workers.
fn tree(root: u32) -> io::Result<BTreeMap<u32, Stat>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end between the listing and the reading.
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(stat) = parse_stat(&line) {
            all.insert(pid, stat);
        }
    }
    let mut tree = BTreeMap::new();
    let mut pending = vec![root];
    while let Some(pid) = pending.pop() {
        let children = all.iter().filter(|(_, stat)| stat.parent == pid);
        pending.extend(children.map(|(child, _)| *child));
        tree.extend(all.remove_entry(&pid));
    }
    Ok(tree)
}

/// CPU seconds used so far by the process, its threads and its children.
pub fn cpu_seconds(pid: u32) -> io::Result<f64> {
    let ticks: u64 = tree(pid)?.values().map(|stat| stat.ticks).sum();
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Peak resident memory in bytes; of several processes the sum of their peaks.
pub fn peak_memory_bytes(pid: u32) -> io::Result<u64> {
    let mut kibibytes = 0;
    for pid in tree(pid)?.keys() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        kibibytes += parse_peak(&status).unwrap_or(0);
    }
    Ok(kibibytes * 1024)
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The bytes of all files below `directory`.
pub fn folder_bytes(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut pending = vec![directory.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Stat, cpu_seconds, parse_peak, parse_stat, peak_memory_bytes};

    #[test]
    fn stat_counts_own_and_ended_childrens_time_whatever_the_program_is_called() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 9 0 555";
        let expected = Stat {
            parent: 7,
            ticks: 124,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn peak_memory_is_read_in_kibibytes() {
        assert_eq!(parse_peak("VmPeak:\t 9 kB\nVmHWM:\t   512 kB\n"), Some(512));
    }

    #[test]
    fn this_process_is_found() {
        assert!(peak_memory_bytes(std::process::id()).unwrap() > 100_000);
        let before = cpu_seconds(std::process::id()).unwrap();
        let mut sum = 0u64;
        while cpu_seconds(std::process::id()).unwrap() <= before {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
