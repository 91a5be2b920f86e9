//! Random histories of appends, truncations, faults, crashes and kills, held against a list of what
//! was acknowledged.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crawlspace_disk::SimFs;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Limits, entry, try_open};
use crate::{Entry, Position, Wal};

const CASES: u64 = 20_000;
const BASE_SEED: u64 = 0x5eed_0000;

#[test]
fn replay_returns_exactly_what_was_acknowledged() {
    for seed in BASE_SEED..BASE_SEED + CASES {
        let _named = NameSeedOnPanic(seed);
        History::new(seed).run();
    }
}

struct NameSeedOnPanic(u64);

impl Drop for NameSeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with History::new({:#x})", self.0);
        }
    }
}

struct History {
    rng: StdRng,
    fs: SimFs,
    limits: Limits,
    wal: Wal,
    /// Every entry ever appended, by its unique tag, with the position it was to have.
    tried: BTreeMap<u64, (Position, Entry)>,
    acknowledged: BTreeMap<Position, u64>,
    /// All below is kept elsewhere, as the log has been told.
    kept_elsewhere: Position,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let fs = SimFs::new(rng.random());
        let limits = Limits {
            segment_bytes_max: rng.random_range(100..4_000),
            ahead_bytes: [0, 4_000, 20_000][rng.random_range(0..3)],
        };
        let (wal, ..) = try_open(&fs, limits, 0).unwrap();
        Self {
            rng,
            fs,
            limits,
            wal,
            tried: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            kept_elsewhere: Position(0),
        }
    }

    fn run(mut self) {
        for _ in 0..self.rng.random_range(4..24) {
            match self.rng.random_range(0..20) {
                0..10 => self.append(),
                10..12 => self.truncate(),
                12..15 => self.plan_faults(),
                15 => self.reopen(self.fs.kill()),
                16 => self.reopen(self.fs.clone()),
                17 => self.crash_in_append(),
                _ => self.reopen(self.fs.crash()),
            }
        }
        self.reopen(self.fs.crash());
    }

    fn append(&mut self) {
        let first = self.wal.next_position();
        let mut group = Vec::new();
        for i in 0..self.rng.random_range(0..4) {
            let body_bytes = match self.rng.random_range(0..4) {
                0 => 0,
                1 => self.rng.random_range(0..3_000),
                _ => self.rng.random_range(0..100),
            };
            let tag = self.tried.len() as u64;
            let entry = entry(tag, body_bytes);
            self.tried.insert(tag, (first.plus(i), entry.clone()));
            group.push(entry);
        }
        match self.wal.append(&group) {
            Ok(position) => {
                assert_eq!(position, first);
                for entry in group {
                    let (position, _) = self.tried[&tag_of(&entry)];
                    let newest = self
                        .acknowledged
                        .last_key_value()
                        .map(|(newest, _)| *newest);
                    assert!(
                        newest < Some(position),
                        "{position} was acknowledged before"
                    );
                    self.acknowledged.insert(position, tag_of(&entry));
                }
            }
            // The segment's creation failed, and its name with it: nothing was written.
            Err(_) if self.wal.next_position() < first.plus(group.len() as u64) => {}
            Err(_) => assert_eq!(
                self.wal.next_position(),
                first.plus(group.len().max(1) as u64)
            ),
        }
    }

    fn truncate(&mut self) {
        let position = Position(self.rng.random_range(0..=self.wal.next_position().0));
        self.kept_elsewhere = self.kept_elsewhere.max(position);
        // A failed one may have deleted some segments.
        _ = self.wal.truncate(position);
    }

    fn plan_faults(&mut self) {
        let first = self.rng.random_range(1..10);
        self.fs.fail_nth(first, ErrorKind::Other);
        if self.rng.random() {
            self.fs.fail_nth(first + 1, ErrorKind::Other);
        }
    }

    /// An append that is stopped at some call, and by a torn write at any byte, with no chance to
    /// tidy up.
    fn crash_in_append(&mut self) {
        let first = self.rng.random_range(1..5);
        (first..first + 9).for_each(|n| self.fs.fail_nth(n, ErrorKind::Other));
        self.append();
        let after = if self.rng.random() {
            self.fs.crash()
        } else {
            self.fs.kill()
        };
        self.reopen(after);
    }

    fn reopen(&mut self, fs: SimFs) {
        self.fs = fs;
        let from = self.kept_elsewhere.0;
        // A fault that was planned earlier may hit the opening, which then can be tried again.
        let mut tries = (0..20).map(|_| try_open(&self.fs, self.limits, from));
        let (wal, _, records) = tries.find_map(Result::ok).expect("faults come to an end");
        let mut newest = None;
        for (position, entry) in &records {
            assert!(newest < Some(*position), "{position} after {newest:?}");
            newest = Some(*position);
            assert_eq!(
                self.tried[&tag_of(entry)],
                (*position, entry.clone()),
                "altered"
            );
        }
        let found: BTreeMap<Position, u64> = records
            .iter()
            .map(|(position, entry)| (*position, tag_of(entry)))
            .collect();
        for (position, tag) in self.acknowledged.range(self.kept_elsewhere..) {
            assert_eq!(
                found.get(position),
                Some(tag),
                "{position} is lost:\n{:?}",
                self.fs
            );
        }
        let acknowledged = self
            .acknowledged
            .last_key_value()
            .map(|(newest, _)| *newest);
        assert!(
            newest.max(acknowledged) < Some(wal.next_position()),
            "a number given out again"
        );
        self.wal = wal;
    }
}

fn tag_of(entry: &Entry) -> u64 {
    u64::from_le_bytes(entry.body[..8].try_into().unwrap())
}
