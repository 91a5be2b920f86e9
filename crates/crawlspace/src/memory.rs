//! How much memory there is, and what each part of the program may take of it.

use std::fs;
use std::path::{Path, PathBuf};

use crawlspace_ingest::{IN_FLIGHT_BYTES_MAX, MEMORY_BYTES_MAX};

/// What is taken of a machine with plenty.
const PLAN_BYTES_MAX: u64 = 1 << 30;
/// Below this a question of some size can't be answered.
const PLAN_BYTES_MIN: u64 = 48 << 20;

/// Shares of the memory. What is left is for what nobody counts: parts being written, answers, the program itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of rows that wait to be written as parts.
    pub waiting_bytes: u64,
    /// Of requests that are being read, decoded or logged.
    pub in_flight_bytes: u64,
    /// Of questions; merging takes a share of it on top.
    pub plan_bytes: u64,
    /// Of processes that run SQL: their plans may take as much as those of all other questions, and what they do not
    /// count as much again.
    pub sql_bytes: u64,
}

impl Budget {
    /// By the machine's memory, or the container's.
    pub fn of_here() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let groups = limit_files(&own)
            .into_iter()
            .filter_map(|path| number(&path));
        let machine = fs::read_to_string("/proc/meminfo").ok();
        let machine = machine.and_then(|text| machine_bytes(&text));
        Self::of(groups.chain(machine).min().unwrap_or(u64::MAX))
    }

    fn of(bytes: u64) -> Self {
        let plan_bytes = PLAN_BYTES_MAX.min(bytes / 10).max(PLAN_BYTES_MIN);
        Self {
            // While they are written, they are there in three forms.
            waiting_bytes: MEMORY_BYTES_MAX.min(bytes / 10),
            // Their rows, which are in no list, are about as much again.
            in_flight_bytes: (IN_FLIGHT_BYTES_MAX as u64).min(bytes / 8),
            plan_bytes,
            sql_bytes: 2 * plan_bytes,
        }
    }
}

/// Where the limits of control groups are: of the one that this process is in, and of the topmost that it sees, which is
/// the same one in a container.
fn limit_files(own: &str) -> Vec<PathBuf> {
    let (first, second) = (
        Path::new("/sys/fs/cgroup"),
        Path::new("/sys/fs/cgroup/memory"),
    );
    let mut files = vec![
        first.join("memory.max"),
        second.join("memory.limit_in_bytes"),
    ];
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            files.push(first.join(path).join("memory.max"));
        } else if controllers.split(',').any(|name| name == "memory") {
            files.push(second.join(path).join("memory.limit_in_bytes"));
        }
    }
    files
}

/// None for `max`, which is no limit.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Budget, limit_files, machine_bytes};

    #[test]
    fn shares_of_little_memory_leave_room_and_much_memory_is_not_all_taken() {
        let little = Budget::of(512 << 20);
        let sum = little.waiting_bytes + little.in_flight_bytes + little.plan_bytes;
        assert!(sum < 192 << 20, "{little:?}");
        let much = Budget::of(u64::MAX);
        assert_eq!(much, Budget::of(64 << 30));
        assert_eq!(much.waiting_bytes, 1 << 30);
    }

    #[test]
    fn limits_are_looked_for_where_either_kind_of_control_group_has_them() {
        let files = limit_files("9:cpu,cpuacct:/\n8:memory:/a/b\n0::/c\nodd\n");
        for path in [
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/c/memory.max",
            "/sys/fs/cgroup/memory.max",
        ] {
            assert!(files.iter().any(|file| file == Path::new(path)), "{path}");
        }
        assert_eq!(files.len(), 4);
        assert_eq!(
            machine_bytes("MemTotal:       2 kB\nMemFree: 1 kB\n"),
            Some(2_048)
        );
    }
}
