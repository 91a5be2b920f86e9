//! The doctor: each kind of trouble is found and named, repair mends what it can, and touches nothing good.

mod surroundings;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::otlp::{plain_spans, request};
use crate::place::Place;
use crate::server::{Server, damage, damage_records, files_below, new_data_directory};

const SPANS: u64 = 50;
const NO_FLAGS: &[&str] = &[];

/// Exit code and findings.
fn examine(data: &Path, flags: &[impl AsRef<OsStr>]) -> (Option<i32>, Value) {
    let output = doctor(data, "--json", flags);
    let found = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), found)
}

fn doctor(data: &Path, flag: &str, flags: &[impl AsRef<OsStr>]) -> Output {
    doctor_by(&[], data)
        .arg(flag)
        .args(flags)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap()
}

/// The command, as these words run it.
fn doctor_by(words: &[&str], data: &Path) -> Command {
    let words = [words, &[env!("CARGO_BIN_EXE_crawlspace")]].concat();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args(["doctor", "--data-dir", data.to_str().unwrap()]);
    command
}

/// Two parts, and no server.
fn fill(place: &Place) {
    let server = place.start(&[]);
    for trace in 1..=2 {
        server.send(request("kept", plain_spans(trace, SPANS)));
        server.flush();
    }
    server.stop();
}

fn directory() -> Place {
    let place = Place::directory();
    fill(&place);
    place
}

fn problem(found: &Value) -> &str {
    found["findings"][0]["problem"].as_str().unwrap_or_default()
}

#[test]
fn a_healthy_directory_is_healthy_and_stays_as_it_is() {
    let place = directory();
    let (data, before) = (&place.data, place.parts());
    for flags in [&[][..], &["--deep"], &["--deep", "--repair"]] {
        let (code, found) = examine(data, flags);
        assert_eq!(
            (code, &found["healthy"]),
            (Some(0), &Value::Bool(true)),
            "{found}"
        );
    }
    let shown = doctor(data, "--deep", NO_FLAGS);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "healthy\n");
    assert_eq!(place.parts(), before);
    let server = place.start(&[]);
    assert_eq!(examine(data, NO_FLAGS).0, Some(2), "it is in use");
    let found: Value = server.get("/api/v1/doctor?deep=true").json().unwrap();
    assert_eq!(found["healthy"], true, "{found}");
    assert_eq!(examine(&data.join("nothing"), NO_FLAGS).0, Some(2));
}

/// What goes wrong, what names it, whether it takes a deep look, and the rows that are left.
type Trouble = (fn(&Place), &'static str, bool, u64);

const TROUBLE: [Trouble; 3] = [
    (
        |place| place.damage(&place.parts()[0], |length| length / 2..length / 2 + 1),
        "bad checksum",
        true,
        SPANS,
    ),
    (
        |place| place.remove(&place.parts()[0]),
        "it is gone",
        false,
        SPANS,
    ),
    (
        |place| place.write("data/main/spans/stray.parquet", b"PAR1".to_vec()),
        "does not know this object",
        false,
        2 * SPANS,
    ),
];

#[test]
fn trouble_is_found_named_and_mended() {
    for trouble in TROUBLE {
        check(&Place::directory(), trouble);
    }
}

#[test]
fn trouble_in_a_bucket_is_found_named_and_mended() {
    let mut place = Place::bucket();
    for trouble in TROUBLE {
        check(&place, trouble);
        // Another data directory, for another prefix of the same bucket.
        place = place.next();
    }
}

fn check(place: &Place, (spoil, named, is_deep, rows): Trouble) {
    fill(place);
    spoil(place);
    let deep: &[&str] = if is_deep { &["--deep"] } else { &[] };
    let flags = place.flags(deep);
    let (code, found) = examine(&place.data, &flags);
    assert_eq!(code, Some(1), "{found}");
    assert!(problem(&found).contains(named), "{found}");
    let (again, unchanged) = examine(&place.data, &flags);
    assert_eq!((again, unchanged), (code, found), "looking changes nothing");
    let (code, found) = examine(&place.data, &place.flags(&[deep, &["--repair"]].concat()));
    assert_eq!(code, Some(0), "{found}");
    let repaired = found["repaired"][0]["problem"].as_str().unwrap();
    assert!(repaired.contains(named), "{found}");
    let server = place.start(&[]);
    let left = server.number("SELECT count(*) FROM spans");
    assert_eq!(left as u64, rows, "{named}");
}

#[test]
fn a_catalogue_that_is_gone_or_damaged_is_left_to_a_backup() {
    let place = directory();
    let data = &place.data;
    let catalogue = data.join("lake/catalogue.sqlite");
    let before = place.parts();
    damage(&catalogue, |length| 0..length);
    let (code, found) = examine(data, &["--repair"]);
    assert_eq!(code, Some(1), "{found}");
    std::fs::remove_file(&catalogue).unwrap();
    let (code, found) = examine(data, &["--repair"]);
    assert_eq!(code, Some(1), "{found}");
    assert!(problem(&found).contains("gone"), "{found}");
    assert!(!catalogue.exists());
    assert_eq!(place.parts(), before);
}

#[test]
fn a_damaged_log_is_found() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--flush-age", "1h"]);
    for trace in 1..=3 {
        server.send(request("logged", plain_spans(trace, SPANS)));
    }
    server.kill();
    let segments = files_below(&data, ".wal");
    damage_records(&segments[0]);
    let (code, found) = examine(&data, NO_FLAGS);
    assert_eq!(code, Some(1), "{found}");
    assert!(problem(&found).contains("records are damaged"), "{found}");
}
