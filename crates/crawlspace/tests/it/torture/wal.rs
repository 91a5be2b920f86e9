//! A damaged log: whatever happened to its files, it opens; what is lost was damaged, what comes back is as it was, and
//! the log is written on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use crawlspace_disk::{FileSystem as _, SimFs};
use crawlspace_wal::{Config, Encoding, Entry, FILLER, Position, Replay, Wal};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{amount, arm, seed};

const DIRECTORY: &str = "/wal";
const RECORDS: u64 = 40;
const SEGMENT_BYTES_MAX: u64 = 4_000;
const AHEAD_BYTES: u64 = 1_000;
/// Magic, position, salt and checksum: damage there costs no record.
const HEADER_BYTES: u64 = 32;

/// A record of the log, and where its bytes are.
struct Written {
    entry: Entry,
    segment: PathBuf,
    bytes: Range<u64>,
}

#[test]
fn a_damaged_log_opens_and_loses_only_what_is_damaged() {
    arm();
    let cases = amount(5_000, 100_000);
    let seed = seed();
    let (mut lost, mut kept) = (0, 0);
    for case in 0..cases {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(case));
        let (fs, written) = write(&mut random);
        let damaged = spoil(&fs, &mut random);
        let context = format!("CRAWLSPACE_SEED={}: {damaged:?}", seed.wrapping_add(case));
        let (mut wal, replay, found) = open(&fs);
        for (position, entry) in &found {
            let written = written.get(position).map(|written| &written.entry);
            assert_eq!(written, Some(entry), "altered or made up: {context}");
        }
        let missing: Vec<&Written> = written
            .iter()
            .filter(|(position, _)| !found.contains_key(position))
            .map(|(_, written)| written)
            .collect();
        for missing in &missing {
            let is_hit = damaged.iter().any(|(path, bytes)| {
                *path == missing.segment
                    && bytes.start < missing.bytes.end
                    && missing.bytes.start < bytes.end
            });
            assert!(is_hit, "lost without damage: {context}");
        }
        // Nothing tells of whole records that are missing at a file's end.
        let is_cut = damaged.iter().any(|(_, bytes)| bytes.end == u64::MAX);
        let told = replay.damaged > 0 || replay.torn_bytes > 0 || is_cut;
        assert!(missing.is_empty() || told, "lost in silence: {context}");
        lost += missing.len();
        kept += found.len();
        let next = wal.append(&[entry(RECORDS, &mut random)]).unwrap();
        drop(wal);
        let (_, _, again) = open(&fs);
        assert_eq!(again.len(), found.len() + 1, "{context}");
        assert!(again.contains_key(&next), "{context}");
    }
    eprintln!("{cases} damaged logs opened: {lost} damaged records skipped, {kept} others whole");
}

fn entry(number: u64, random: &mut StdRng) -> Entry {
    let length = random.random_range(0..600);
    let mut body: Vec<u8> = match random.random() {
        true => vec![b'x'; length],
        false => (0..length).map(|_| random.random()).collect(),
    };
    body.extend_from_slice(&number.to_le_bytes());
    Entry {
        received_at: random.random(),
        project: 0,
        key: random.random(),
        door: 1,
        content_type: 1,
        encoding: Encoding::Identity,
        body: Bytes::from(body),
    }
}

fn config() -> Config {
    Config {
        dir: DIRECTORY.into(),
        segment_bytes_max: SEGMENT_BYTES_MAX,
        ahead_bytes: AHEAD_BYTES,
    }
}

fn open(fs: &SimFs) -> (Wal, Replay, BTreeMap<Position, Entry>) {
    let mut found = BTreeMap::new();
    let (wal, replay) = Wal::open(
        Arc::new(fs.clone()),
        config(),
        Position(0),
        &mut |position, entry| {
            assert!(found.insert(position, entry).is_none(), "twice: {position}");
            Ok(())
        },
    )
    .expect("a damaged log opens");
    (wal, replay, found)
}

fn write(random: &mut StdRng) -> (SimFs, BTreeMap<Position, Written>) {
    let fs = SimFs::new(random.random());
    let (mut wal, ..) = open(&fs);
    let mut written = BTreeMap::new();
    for number in 0..RECORDS {
        let entry = entry(number, random);
        let position = wal.append(std::slice::from_ref(&entry)).unwrap();
        let segment = segments(&fs).pop().unwrap();
        let bytes = fs.read(&segment).unwrap();
        // A record ends in zeros, as numbers here are small.
        let last = bytes.iter().rposition(|byte| *byte != FILLER);
        let end = last.map_or(0, |last| last as u64 + 1);
        let before: Option<&Written> = written.values().next_back();
        let start = before
            .filter(|before| before.segment == segment)
            .map_or(HEADER_BYTES, |before| before.bytes.end);
        let bytes = start..end;
        written.insert(
            position,
            Written {
                entry,
                segment,
                bytes,
            },
        );
    }
    (fs, written)
}

fn segments(fs: &SimFs) -> Vec<PathBuf> {
    fs.list(Path::new(DIRECTORY)).unwrap()
}

/// Spoils some files in one to four ways; says which bytes of which.
fn spoil(fs: &SimFs, random: &mut StdRng) -> Vec<(PathBuf, Range<u64>)> {
    let files = segments(fs);
    let mut damaged = Vec::new();
    for _ in 0..random.random_range(1..5) {
        let path = &files[random.random_range(0..files.len())];
        let Ok(length @ 1..) = fs.len(path) else {
            continue;
        };
        let start = random.random_range(0..length);
        let end = random.random_range(start..length.min(start + 700)) + 1;
        let hit = match random.random_range(0..4) {
            0 => {
                fs.flip_bit(path, start * 8 + random.random_range(0..8))
                    .unwrap();
                start..start + 1
            }
            1 => {
                fs.set_len(path, start).unwrap();
                start..u64::MAX
            }
            2 => {
                overwrite(fs, path, start..end, |_| 0);
                start..end
            }
            _ => {
                overwrite(fs, path, start..end, |_| random.random());
                start..end
            }
        };
        damaged.push((path.clone(), hit));
    }
    damaged
}

/// By flipping the bits that differ.
fn overwrite(fs: &SimFs, path: &Path, range: Range<u64>, mut byte: impl FnMut(u64) -> u8) {
    let old = fs.read_range(path, range.clone()).unwrap();
    for (at, old) in range.zip(old) {
        let differing = old ^ byte(at);
        for bit in (0..8).filter(|bit| differing & (1 << bit) != 0) {
            fs.flip_bit(path, at * 8 + bit).unwrap();
        }
    }
}
