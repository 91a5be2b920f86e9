//! Directed tests: each kind of damage, each fault, by itself. The random ones are in `model`.

mod model;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use crawlspace_disk::{FileSystem as _, RealFs, SimFs};

use crate::segment::{self, HEADER_BYTES, Header};
use crate::{
    BODY_BYTES_MAX, Config, Encoding, Entry, Error, Position, Replay, SEGMENT_BYTES_MAX, Wal,
};

const DIR: &str = "/wal";

type Records = Vec<(Position, Entry)>;

fn entry(tag: u64, body_bytes: usize) -> Entry {
    // The multiplication makes every other body one that LZ4 can't shrink.
    let step = if tag.is_multiple_of(2) {
        0
    } else {
        0x9e37_79b9_7f4a_7c15_u64
    };
    let noise = (0..body_bytes as u64).map(|i| (i.wrapping_mul(step) >> 32) as u8);
    Entry {
        received_at: -i64::try_from(tag).unwrap(),
        project: 1,
        key: 2,
        door: 3,
        content_type: 4,
        encoding: if tag.is_multiple_of(3) {
            Encoding::Gzip
        } else {
            Encoding::Identity
        },
        body: tag.to_le_bytes().into_iter().chain(noise).collect(),
    }
}

/// Of a [`Config`].
#[derive(Clone, Copy)]
struct Limits {
    segment_bytes_max: u64,
    ahead_bytes: u64,
}

/// Without filler after the last record, so that all bytes of a segment mean something.
const PLAIN: Limits = Limits {
    segment_bytes_max: SEGMENT_BYTES_MAX,
    ahead_bytes: 0,
};

/// With a segment for every few records.
const SMALL: Limits = Limits {
    segment_bytes_max: 300,
    ahead_bytes: 0,
};

fn try_open(fs: &SimFs, limits: Limits, from: u64) -> Result<(Wal, Replay, Records), Error> {
    let config = Config {
        dir: DIR.into(),
        segment_bytes_max: limits.segment_bytes_max,
        ahead_bytes: limits.ahead_bytes,
    };
    let mut records = Vec::new();
    let (wal, replay) = Wal::open(
        Arc::new(fs.clone()),
        config,
        Position(from),
        &mut |p, entry| {
            records.push((p, entry));
            Ok(())
        },
    )?;
    assert_eq!(replay.records, records.len() as u64);
    Ok((wal, replay, records))
}

fn open(fs: &SimFs, from: u64) -> (Wal, Replay, Records) {
    try_open(fs, PLAIN, from).unwrap()
}

fn numbered(positions: impl IntoIterator<Item = u64>) -> Records {
    positions
        .into_iter()
        .map(|p| (Position(p), entry(p, 40)))
        .collect()
}

/// A log of 5 segments with 4 records each, the record at position `p` being `entry(p, 40)`.
fn five_segments() -> SimFs {
    let fs = SimFs::new(5);
    for segment in 0..5 {
        let (mut wal, ..) = open(&fs, 0);
        for p in segment * 4..segment * 4 + 4 {
            assert_eq!(wal.append(&[entry(p, 40)]).unwrap(), Position(p));
        }
    }
    fs
}

fn segments(fs: &SimFs) -> Vec<PathBuf> {
    fs.list(DIR.as_ref()).unwrap()
}

/// Opens and says which positions are there; then appends one more and sees that it comes back, on
/// a number of its own.
fn check_usable(fs: &SimFs, context: &str) -> (Replay, Vec<u64>) {
    let (mut wal, replay, records) = open(fs, 0);
    for (position, found) in &records {
        assert_eq!(*found, entry(position.0, 40), "{context}");
    }
    let next = wal.next_position();
    assert!(
        records.iter().all(|(position, _)| *position < next),
        "{context}"
    );
    assert_eq!(wal.append(&[entry(next.0, 40)]).unwrap(), next, "{context}");
    let (_, _, after) = open(&fs.crash(), 0);
    let mut expected = records.clone();
    expected.push((next, entry(next.0, 40)));
    assert_eq!(after, expected, "{context}");
    (
        replay,
        records
            .into_iter()
            .map(|(position, _)| position.0)
            .collect(),
    )
}

fn all_but(lost: u64) -> Vec<u64> {
    (0..20).filter(|p| *p != lost).collect()
}

#[test]
fn one_append_is_a_group_and_bodies_come_back_as_they_were() {
    let fs = SimFs::new(1);
    let group: Vec<Entry> = [0, 1, 10_000]
        .map(|bytes| entry(bytes, bytes as usize))
        .into();
    let (mut wal, replay, _) = open(&fs, 0);
    assert_eq!(replay, Replay::default());
    assert_eq!(wal.append(&group).unwrap(), Position(0));
    assert_eq!(wal.append(&[]).unwrap(), Position(3));
    assert_eq!(wal.append(&group[..1]).unwrap(), Position(3));
    assert!(wal.bytes() < 2_000, "a compressible body is stored small");
    let (wal, replay, records) = open(&fs.crash(), 2);
    assert_eq!(
        records,
        [
            (Position(2), group[2].clone()),
            (Position(3), group[0].clone())
        ]
    );
    assert_eq!(
        replay,
        Replay {
            records: 2,
            segments: 1,
            ..Replay::default()
        }
    );
    assert_eq!(wal.next_position(), Position(4));
}

#[test]
fn a_log_on_the_real_file_system_survives_reopening() {
    let root = tempfile::tempdir().unwrap();
    let config = Config {
        dir: root.path().join("a/wal"),
        segment_bytes_max: 200,
        ahead_bytes: 2_000,
    };
    let open = || {
        let mut records = Vec::new();
        let (wal, _) = Wal::open(
            Arc::new(RealFs),
            config.clone(),
            Position(0),
            &mut |p, entry| {
                records.push((p, entry));
                Ok(())
            },
        )
        .unwrap();
        (wal, records)
    };
    for run in 0..3 {
        let (mut wal, records) = open();
        assert_eq!(records, numbered(0..run * 3));
        for p in run * 3..run * 3 + 3 {
            wal.append(&[entry(p, 40)]).unwrap();
        }
    }
    let (mut wal, records) = open();
    assert_eq!(records, numbered(0..9));
    wal.truncate(Position(9)).unwrap();
    let (wal, records) = open();
    assert_eq!(records, numbered(8..9));
    assert_eq!(wal.next_position(), Position(9));
}

/// Two records fit, and filler for the second is written ahead.
const AHEAD: Limits = Limits {
    segment_bytes_max: 250,
    ahead_bytes: 2_000,
};

#[test]
fn filler_is_no_damage_whatever_follows_it() {
    let fs = SimFs::new(1);
    let (mut wal, ..) = try_open(&fs, AHEAD, 0).unwrap();
    for p in 0..3 {
        wal.append(&[entry(p, 40)]).unwrap();
    }
    let (first, last) = (&segments(&fs)[0], &segments(&fs)[1]);
    let ends = |path| fs.read(path).unwrap().last() == Some(&segment::FILLER);
    assert!(ends(first) && ends(last));
    for fs in [fs.kill(), fs.crash()] {
        for p in 3..5 {
            let (mut wal, replay, records) = try_open(&fs, AHEAD, 0).unwrap();
            assert_eq!(records, numbered(0..p));
            assert_eq!((replay.damaged, replay.torn_bytes), (0, 0));
            assert_eq!(wal.append(&[entry(p, 40)]).unwrap(), Position(p));
        }
        assert_eq!(segments(&fs).len(), 4);
    }
}

#[test]
fn a_last_record_that_became_zeros_is_damage() {
    let fs = SimFs::new(1);
    let (mut wal, ..) = try_open(&fs, AHEAD, 0).unwrap();
    for p in 0..3 {
        wal.append(&[entry(p, 40)]).unwrap();
    }
    let first = segments(&fs).remove(0);
    let len = fs.len(&first).unwrap();
    fs.set_len(&first, len - 100).unwrap();
    fs.set_len(&first, len).unwrap();
    let (replay, found) = check_usable(&fs, "zeros");
    assert_eq!((replay.damaged, found), (1, vec![0, 2]));
}

#[test]
fn an_append_does_not_fail_for_the_filler_behind_it() {
    let fs = SimFs::new(1);
    let (mut wal, ..) = try_open(&fs, PLAIN, 0).unwrap();
    wal.append(&[entry(0, 40)]).unwrap();
    drop(wal);
    let (mut wal, ..) = try_open(&fs, AHEAD, 0).unwrap();
    // A segment is created, its header written, and then filler.
    fs.fail_nth(3, ErrorKind::StorageFull);
    wal.append(&[entry(1, 40)]).unwrap();
    assert!(!fs.has_planned_faults());
    let (_, _, records) = open(&fs.crash(), 0);
    assert_eq!(records, numbered(0..2));
}

#[test]
fn the_last_segment_may_be_cut_at_any_byte() {
    let fs = five_segments();
    let last = segments(&fs).pop().unwrap();
    let bytes = fs.read(&last).unwrap();
    let starts: Vec<usize> = (HEADER_BYTES..bytes.len())
        .filter(|offset| crate::frame::read(&bytes, *offset, None).is_some())
        .collect();
    assert_eq!(starts.len(), 4);
    for len in starts[1]..bytes.len() {
        let fs = fs.kill();
        fs.set_len(&last, len as u64).unwrap();
        let (replay, found) = check_usable(&fs, &format!("cut to {len} bytes"));
        let whole = starts.iter().rposition(|start| *start <= len).unwrap();
        assert_eq!(found, (0..16 + whole as u64).collect::<Vec<_>>());
        let torn = bytes[starts[whole]..len]
            .iter()
            .rposition(|byte| *byte != segment::FILLER);
        let torn_bytes = torn.map_or(0, |last| last as u64 + 1);
        assert_eq!((replay.damaged, replay.torn_bytes), (0, torn_bytes));
    }
}

#[test]
fn one_flipped_bit_costs_one_record() {
    let fs = five_segments();
    for (number, path) in segments(&fs).iter().enumerate() {
        let bytes = fs.read(path).unwrap();
        let mut start = HEADER_BYTES;
        for record in 0..4 {
            let end = crate::frame::read(&bytes, start, None).unwrap().end;
            // Every bit of the head and some of the body.
            for bit in (start * 8..end * 8).step_by(3) {
                let fs = fs.kill();
                fs.flip_bit(path, bit as u64).unwrap();
                let context = format!("bit {bit} of {path:?}");
                let (replay, found) = check_usable(&fs, &context);
                assert_eq!(found, all_but(number as u64 * 4 + record), "{context}");
                let last = number == 4 && record == 3;
                let torn = if last { end - start } else { 0 } as u64;
                assert_eq!(
                    (replay.damaged, replay.torn_bytes),
                    (u64::from(!last), torn)
                );
            }
            start = end;
        }
    }
}

#[test]
fn a_damaged_header_costs_nothing() {
    let fs = five_segments();
    for path in segments(&fs) {
        for bit in 0..HEADER_BYTES as u64 * 8 {
            let fs = fs.kill();
            fs.flip_bit(&path, bit).unwrap();
            let (replay, found) = check_usable(&fs, &format!("bit {bit} of {path:?}"));
            assert_eq!(found, (0..20).collect::<Vec<_>>());
            assert_eq!((replay.damaged, replay.torn_bytes), (0, 0));
        }
    }
}

#[test]
fn an_emptied_segment_costs_its_own_records() {
    let fs = five_segments();
    for (number, path) in segments(&fs).iter().enumerate() {
        let fs = fs.kill();
        fs.set_len(path, 0).unwrap();
        let (replay, found) = check_usable(&fs, &format!("emptied {path:?}"));
        let lost = number as u64 * 4..number as u64 * 4 + 4;
        assert_eq!(
            found,
            (0..20).filter(|p| !lost.contains(p)).collect::<Vec<_>>()
        );
        assert_eq!((replay.torn_bytes, replay.segments), (0, 5));
    }
}

#[test]
fn an_unreadable_segment_is_set_aside_and_its_positions_stay_its_own() {
    let fs = five_segments();
    for (number, path) in segments(&fs).iter().enumerate() {
        let fs = fs.kill();
        fs.fail_reads(path, ErrorKind::Other).unwrap();
        let (replay, found) = check_usable(&fs, &format!("unreadable {path:?}"));
        let lost = number as u64 * 4..number as u64 * 4 + 4;
        assert_eq!(
            found,
            (0..20).filter(|p| !lost.contains(p)).collect::<Vec<_>>()
        );
        let target = path.with_extension("wal.damaged");
        assert_eq!(replay.set_aside, std::slice::from_ref(&target));
        assert!(segments(&fs).contains(&target) && !segments(&fs).contains(path));
        let (wal, replay, _) = open(&fs, 0);
        assert!(replay.set_aside.is_empty());
        assert!(
            wal.next_position() > Position(20),
            "not one of the lost ones again"
        );
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let fs = SimFs::new(1);
    fs.create_dir_all(DIR.as_ref()).unwrap();
    let mut header = segment::header(Position(0), 1);
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&checksum.to_le_bytes());
    let path = PathBuf::from("/wal/00000000000000000000.wal");
    fs.create(&path).unwrap().append(&header).unwrap();
    let error = try_open(&fs, PLAIN, 0).map(drop).unwrap_err();
    assert!(matches!(&error, Error::NewerFormat { version: 2, path: found } if *found == path));
    assert_eq!(segment::read_header(&header), Header::NewerFormat(2));
}

#[test]
fn frames_inside_a_torn_body_are_not_records() {
    let fs = five_segments();
    let first = segments(&fs).remove(0);
    let stolen = fs.read(&first).unwrap().slice(HEADER_BYTES..);
    let mut outer = entry(20, 0);
    outer.encoding = Encoding::Gzip;
    outer.body = stolen;
    let (mut wal, ..) = open(&fs, 0);
    // The same frames, but from positions that would be news.
    let mut forged = Vec::new();
    crate::frame::write(&entry(99, 40), Position(99), 7, &mut forged);
    outer.body = [outer.body, Bytes::from(forged)].concat().into();
    wal.append(&[outer]).unwrap();
    let last = segments(&fs).pop().unwrap();
    fs.flip_bit(&last, HEADER_BYTES as u64 * 8).unwrap();
    let (wal, replay, records) = open(&fs, 0);
    assert_eq!(records, numbered(0..20));
    assert!(replay.torn_bytes > 0 && wal.next_position() < Position(99));
}

#[test]
fn a_torn_tail_is_cut_off_by_the_next_append_and_not_before() {
    let fs = five_segments();
    let last = segments(&fs).pop().unwrap();
    let len = fs.len(&last).unwrap();
    fs.set_len(&last, len - 1).unwrap();
    for _ in 0..2 {
        let (wal, replay, _) = open(&fs, 0);
        assert!(replay.torn_bytes > 0);
        assert_eq!(wal.next_position(), Position(21), "19 was used");
    }
    open(&fs, 0).0.append(&[entry(21, 40)]).unwrap();
    let (_, replay, records) = open(&fs.crash(), 0);
    assert_eq!((replay.damaged, replay.torn_bytes), (0, 0));
    assert_eq!(records, numbered((0..19).chain([21])));
}

#[test]
fn a_failing_call_costs_no_acknowledged_record() {
    for n in 1.. {
        let fs = SimFs::new(n);
        fs.fail_nth(n, ErrorKind::StorageFull);
        let mut acknowledged = Vec::new();
        let mut wal = loop {
            match try_open(&fs, SMALL, 0) {
                Ok((wal, ..)) => break wal,
                Err(error) => assert!(matches!(error, Error::Io { .. }), "{error}"),
            }
        };
        for round in 0..12 {
            let next = wal.next_position();
            if let Ok(first) = wal.append(&[entry(next.0, 40), entry(next.0 + 1, 40)]) {
                assert_eq!(first, next);
                acknowledged.extend(numbered([next.0, next.0 + 1]));
            }
            if round == 8 {
                _ = wal.truncate(Position(6));
            }
        }
        let done = fs.has_planned_faults();
        for fs in [fs.kill(), fs.crash()] {
            let (_, replay, records) = open(&fs, 6);
            acknowledged.retain(|(position, _)| *position >= Position(6));
            assert_eq!(records, acknowledged, "call {n} failed");
            assert_eq!(replay.damaged, 0, "call {n} failed");
        }
        if done {
            assert!(n > 40, "only {n} calls were made to fail");
            break;
        }
    }
}

#[test]
fn truncate_deletes_what_lies_wholly_below_and_keeps_the_newest() {
    for (position, left) in [(0, 5), (3, 5), (4, 4), (7, 4), (16, 1), (20, 1), (99, 1)] {
        let fs = five_segments();
        let (mut wal, ..) = open(&fs, 0);
        let before = wal.bytes();
        wal.truncate(Position(position)).unwrap();
        assert_eq!(segments(&fs).len(), left, "below {position}");
        assert_eq!(wal.bytes() * 5 < before * 2, left == 1);
        let on_disk: u64 = segments(&fs).iter().map(|path| fs.len(path).unwrap()).sum();
        assert_eq!(wal.bytes(), on_disk);
        let (wal, _, records) = open(&fs.crash(), position);
        assert_eq!(records, numbered(position.min(20)..20));
        assert_eq!(wal.next_position(), Position(position.max(20)));
    }
}

#[test]
fn a_crash_between_unlink_and_sync_brings_back_nothing_unasked() {
    for n in 1..100 {
        let fs = five_segments();
        let (mut wal, ..) = open(&fs, 0);
        // Four unlinks, then the directory's sync.
        fs.fail_nth(5, ErrorKind::Other);
        wal.truncate(Position(17)).unwrap_err();
        wal.append(&[entry(20, 40)]).unwrap();
        let mut crashed = fs.crash();
        for _ in 0..n % 4 {
            crashed = crashed.crash();
        }
        let (_, _, records) = open(&crashed, 17);
        assert_eq!(records, numbered(17..21));
    }
}

#[test]
fn a_visitor_that_fails_stops_the_replay_and_is_named() {
    let fs = five_segments();
    let config = Config {
        dir: DIR.into(),
        segment_bytes_max: SEGMENT_BYTES_MAX,
        ahead_bytes: 0,
    };
    let mut seen = 0;
    let error = Wal::open(Arc::new(fs), config, Position(0), &mut |position, _| {
        seen += 1;
        if position == Position(6) {
            Err("full".into())
        } else {
            Ok(())
        }
    })
    .map(drop)
    .unwrap_err();
    assert_eq!(seen, 7);
    assert_eq!(
        error.to_string(),
        "cannot take record 6 of segment `/wal/00000000000000000004.wal`"
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "full"
    );
}

#[test]
fn a_body_over_the_limit_is_refused_and_the_rest_goes_on() {
    let fs = SimFs::new(1);
    let (mut wal, ..) = open(&fs, 0);
    let mut large = entry(1, 0);
    large.body = Bytes::from(vec![0; BODY_BYTES_MAX + 1]);
    let error = wal.append(&[entry(0, 40), large.clone()]).unwrap_err();
    assert!(matches!(error, Error::BodyTooLarge { .. }), "{error}");
    large.body = large.body.slice(1..);
    assert_eq!(wal.append(&[large.clone()]).unwrap(), Position(0));
    let (_, _, records) = open(&fs, 0);
    assert_eq!(records, [(Position(0), large)]);
}

#[test]
fn segments_wholly_below_from_are_not_read() {
    let fs = five_segments();
    for path in &segments(&fs)[..4] {
        fs.fail_reads(path, ErrorKind::Other).unwrap();
    }
    let (_, replay, records) = open(&fs, 16);
    assert_eq!(records, numbered(16..20));
    assert_eq!(
        replay,
        Replay {
            records: 4,
            segments: 5,
            ..Replay::default()
        }
    );
}

#[test]
fn a_copied_segment_doubles_nothing() {
    let fs = five_segments();
    let copy = PathBuf::from("/wal/00000000000000000050.wal");
    fs.create(&copy)
        .unwrap()
        .append(&fs.read(&segments(&fs)[1]).unwrap())
        .unwrap();
    let (_, found) = check_usable(&fs, "with a copy");
    assert_eq!(found, (0..20).collect::<Vec<_>>());
}

#[test]
fn foreign_files_are_left_alone() {
    let fs = five_segments();
    for name in [
        "LOCK",
        "7.wal",
        "0000000000000000000x.wal",
        "99999999999999999999.wal",
    ] {
        fs.create(&PathBuf::from(DIR).join(name))
            .unwrap()
            .append(b"?")
            .unwrap();
    }
    let (replay, found) = check_usable(&fs, "with foreign files");
    assert_eq!((replay.segments, found.len()), (5, 20));
}
