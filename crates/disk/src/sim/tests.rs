//! What a power cut may and may not take.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::SimFs;
use crate::{AppendFile, FileSystem as _};

const SEEDS: std::ops::Range<u64> = 0..200;

fn synced_file(fs: &SimFs, name: &str, bytes: &[u8]) -> Box<dyn AppendFile> {
    let mut file = fs.create(Path::new(name)).unwrap();
    file.append(bytes).unwrap();
    file.sync().unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    file
}

/// What `/a` may hold after a crash, over many seeds; `None` where it is missing.
fn outcomes(scene: impl Fn(&SimFs)) -> BTreeSet<Option<Vec<u8>>> {
    SEEDS
        .map(|seed| {
            let fs = SimFs::new(seed);
            scene(&fs);
            fs.crash().read(Path::new("/a")).ok().map(Vec::from)
        })
        .collect()
}

#[test]
fn synced_bytes_and_names_survive_a_crash() {
    let found = outcomes(|fs| drop(synced_file(fs, "/a", b"kept")));
    assert_eq!(found, [Some(b"kept".to_vec())].into());
}

#[test]
fn a_name_without_sync_dir_may_be_lost_and_may_be_kept() {
    let found = outcomes(|fs| {
        let mut file = fs.create(Path::new("/a")).unwrap();
        file.append(b"kept").unwrap();
        file.sync().unwrap();
    });
    assert_eq!(found, [None, Some(b"kept".to_vec())].into());
}

#[test]
fn unsynced_bytes_are_cut_zeroed_or_garbage_by_sectors() {
    let found = outcomes(|fs| {
        let mut file = synced_file(fs, "/a", &[7; 100]);
        file.append(&[8; 1000]).unwrap();
    });
    let found: Vec<Vec<u8>> = found.into_iter().map(Option::unwrap).collect();
    assert!(found.iter().all(|bytes| bytes[..100] == [7; 100]));
    let whole = |bytes: &[u8], sector: u8| bytes[100..512].iter().all(|byte| *byte == sector);
    for (what, seen) in [
        ("nothing kept", found.iter().any(|bytes| bytes.len() == 100)),
        (
            "all kept",
            found
                .iter()
                .any(|bytes| bytes.len() == 1100 && whole(bytes, 8)),
        ),
        (
            "cut inside",
            found
                .iter()
                .any(|bytes| bytes.len() > 600 && bytes.len() < 1000),
        ),
        (
            "first zeroed",
            found
                .iter()
                .any(|bytes| bytes.len() > 600 && whole(bytes, 0)),
        ),
        (
            "second kept alone",
            found
                .iter()
                .any(|b| b.len() > 600 && whole(b, 0) && b[512] == 8),
        ),
        (
            "garbage",
            found
                .iter()
                .any(|b| b.len() > 600 && !whole(b, 0) && !whole(b, 8)),
        ),
    ] {
        assert!(seen, "never seen: {what}");
    }
}

#[test]
fn bytes_of_a_failed_sync_may_be_lost_after_a_good_one() {
    let found = outcomes(|fs| {
        let mut file = synced_file(fs, "/a", b"");
        file.append(b"one").unwrap();
        fs.fail_nth(1, ErrorKind::Other);
        file.sync().unwrap_err();
        file.append(b"two").unwrap();
        file.sync().unwrap();
    });
    let found: Vec<Vec<u8>> = found.into_iter().map(Option::unwrap).collect();
    assert!(
        found
            .iter()
            .all(|bytes| bytes.len() == 6 && bytes.ends_with(b"two"))
    );
    assert!(found.contains(&b"onetwo".to_vec()));
    assert!(found.contains(&b"\0\0\0two".to_vec()));
}

#[test]
fn renames_and_removals_wait_for_sync_dir() {
    let found = outcomes(|fs| {
        drop(synced_file(fs, "/a", b"old"));
        drop(synced_file(fs, "/b", b"new"));
        fs.rename(Path::new("/b"), Path::new("/a")).unwrap();
        assert_eq!(fs.read(Path::new("/a")).unwrap(), "new");
    });
    assert_eq!(found, [Some(b"old".to_vec()), Some(b"new".to_vec())].into());

    let removed = |fs: &SimFs| {
        drop(synced_file(fs, "/a", b"old"));
        fs.remove(Path::new("/a")).unwrap();
    };
    assert_eq!(outcomes(removed), [Some(b"old".to_vec()), None].into());
    let synced = outcomes(|fs| {
        removed(fs);
        fs.sync_dir(Path::new("/")).unwrap();
    });
    assert_eq!(synced, [None].into());
}

#[test]
fn kill_keeps_what_was_written_and_forgets_faults() {
    let fs = SimFs::new(1);
    fs.create(Path::new("/a")).unwrap().append(b"kept").unwrap();
    fs.fail_nth(1, ErrorKind::Other);
    let after = fs.kill();
    assert_eq!(after.read(Path::new("/a")).unwrap(), "kept");
    assert!(fs.has_planned_faults() && !after.has_planned_faults());
}

#[test]
fn the_nth_call_fails_once_and_an_append_may_be_short() {
    let lengths: BTreeSet<u64> = SEEDS
        .map(|seed| {
            let fs = SimFs::new(seed);
            let mut file = synced_file(&fs, "/a", b"");
            fs.fail_nth(2, ErrorKind::StorageFull);
            file.append(b"12").unwrap();
            assert_eq!(
                file.append(b"34").unwrap_err().kind(),
                ErrorKind::StorageFull
            );
            assert!(!fs.has_planned_faults());
            file.sync().unwrap();
            fs.len(Path::new("/a")).unwrap()
        })
        .collect();
    assert_eq!(lengths, [2, 3, 4].into());
}

#[test]
fn corruptors_do_what_they_say() {
    let fs = SimFs::new(1);
    let path = Path::new("/a");
    drop(synced_file(&fs, "/a", &[0, 0]));
    fs.flip_bit(path, 9).unwrap();
    fs.set_len(path, 3).unwrap();
    let fs = fs.crash();
    assert_eq!(fs.read(path).unwrap(), &[0, 2, 0][..]);
    assert_eq!(
        fs.flip_bit(path, 24).unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    fs.fail_reads(path, ErrorKind::Other).unwrap();
    fs.rename(path, Path::new("/b")).unwrap();
    assert_eq!(
        fs.read(Path::new("/b")).unwrap_err().kind(),
        ErrorKind::Other
    );
    let dump = format!("{fs:?}");
    assert!(
        dump.contains("/b: 3 bytes") && dump.contains("Pending: Rename"),
        "{dump}"
    );
}

#[test]
fn a_full_disk_takes_what_fits_and_has_room_again_once_something_is_gone() {
    let fs = SimFs::new(1);
    fs.set_size(10);
    let mut a = synced_file(&fs, "/a", b"seven b");
    assert_eq!(fs.space(Path::new("/")).unwrap().free_bytes, 3);
    let error = a.append(b"more").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(fs.len(Path::new("/a")).unwrap(), 10);
    let error = fs.reserve(Path::new("/b"), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    fs.remove(Path::new("/a")).unwrap();
    fs.reserve(Path::new("/b"), 10).unwrap();
    assert_eq!(fs.space(Path::new("/")).unwrap().free_bytes, 0);
}
