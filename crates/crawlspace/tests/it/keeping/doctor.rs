//! The doctor: each kind of trouble is found and named, repair mends what it can, and touches nothing good.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::otlp::{plain_spans, request};
use crate::server::{Server, damage, files_below, new_data_directory};

const SPANS: u64 = 50;

/// Exit code and findings.
fn examine(data: &Path, flags: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_crawlspace"))
        .args(["doctor", "--json", "--data-dir", data.to_str().unwrap()])
        .args(flags)
        .output()
        .unwrap();
    let found = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), found)
}

/// A stopped directory with two parts, and what the second holds in its log.
fn directory() -> (tempfile::TempDir, PathBuf) {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    for trace in 1..=2 {
        server.send(request("kept", plain_spans(trace, SPANS)));
        server.flush();
    }
    server.stop();
    (home, data)
}

fn parts(data: &Path) -> Vec<PathBuf> {
    files_below(&data.join("lake/data"), ".parquet")
}

#[test]
fn a_healthy_directory_is_healthy_and_stays_as_it_is() {
    let (_home, data) = directory();
    let before = parts(&data);
    for flags in [&[][..], &["--deep"], &["--deep", "--repair"]] {
        let (code, found) = examine(&data, flags);
        assert_eq!(
            (code, &found["healthy"]),
            (Some(0), &Value::Bool(true)),
            "{found}"
        );
    }
    assert_eq!(parts(&data), before);
    let server = Server::start(&data);
    assert_eq!(examine(&data, &[]).0, Some(2), "it is in use");
    let found: Value = server.get("/api/v1/doctor?deep=true").json().unwrap();
    assert_eq!(found["healthy"], true, "{found}");
    assert_eq!(examine(&data.join("nothing"), &[]).0, Some(2));
}

#[test]
fn trouble_is_found_named_and_mended() {
    let flip: fn(&Path) = |data| damage(&parts(data)[0], |length| length / 2..length / 2 + 1);
    let remove: fn(&Path) = |data| std::fs::remove_file(&parts(data)[0]).unwrap();
    let orphan: fn(&Path) = |data| {
        let stray = parts(data)[0].with_file_name("stray.parquet");
        std::fs::write(stray, "PAR1").unwrap();
    };
    // What goes wrong, what names it, whether it takes a deep look, and the rows that are left.
    for (spoil, problem, is_deep, rows) in [
        (flip, "bad checksum", true, SPANS),
        (remove, "it is gone", false, SPANS),
        (orphan, "does not know this object", false, 2 * SPANS),
    ] {
        let (_home, data) = directory();
        spoil(&data);
        let flags: &[&str] = if is_deep { &["--deep"] } else { &[] };
        let (code, found) = examine(&data, flags);
        assert_eq!(code, Some(1), "{found}");
        assert!(
            found["findings"][0]["problem"]
                .as_str()
                .unwrap()
                .contains(problem),
            "{found}"
        );
        let (again, unchanged) = examine(&data, flags);
        assert_eq!((again, unchanged), (code, found), "looking changes nothing");
        let (code, found) = examine(&data, &[flags, &["--repair"]].concat());
        assert_eq!(code, Some(0), "{found}");
        assert!(
            found["repaired"][0]["problem"]
                .as_str()
                .unwrap()
                .contains(problem),
            "{found}"
        );
        let server = Server::start(&data);
        assert_eq!(
            server.number("SELECT count(*) FROM spans") as u64,
            rows,
            "{problem}"
        );
    }
}

#[test]
fn a_catalogue_that_is_gone_or_damaged_is_left_to_a_backup() {
    let (_home, data) = directory();
    let catalogue = data.join("lake/catalogue.sqlite");
    let before = parts(&data);
    damage(&catalogue, |length| 0..length);
    let (code, found) = examine(&data, &["--repair"]);
    assert_eq!(code, Some(1), "{found}");
    std::fs::remove_file(&catalogue).unwrap();
    let (code, found) = examine(&data, &["--repair"]);
    assert_eq!(code, Some(1), "{found}");
    assert!(
        found["findings"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("gone"),
        "{found}"
    );
    assert!(!catalogue.exists());
    assert_eq!(parts(&data), before);
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
    damage(&segments[0], |length| length / 2..length / 2 + 16);
    let (code, found) = examine(&data, &[]);
    assert_eq!(code, Some(1), "{found}");
    assert!(
        found["findings"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("records are damaged"),
        "{found}"
    );
}
