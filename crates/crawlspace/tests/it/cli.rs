//! The command line as people see it: the transcripts in `tests/cli`, run against servers of their own. `TRYCMD=overwrite` writes what is printed now.

mod guide;
mod import;
mod shells;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::otlp::{plain_spans, request};
use crate::server::{Server, new_data_directory, poll};

const PROGRAM: &str = env!("CARGO_BIN_EXE_crawlspace");

fn transcripts(folder: &str, server: &Server) {
    trycmd::TestCases::new()
        .register_bin("crawlspace", Path::new(PROGRAM))
        .env("CRAWLSPACE_SERVER", server.http())
        .case(format!("tests/cli/{folder}/*.md"))
        .run();
}

fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env("CRAWLSPACE_SERVER", server.http());
    command.output().unwrap()
}

fn shop(server: &Server) {
    let imported = run(server, &["import", "tests/cli/data/shop.jsonl"]);
    assert!(imported.status.success(), "{imported:?}");
}

#[test]
fn what_is_asked_reads_as_in_the_transcripts() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    shop(&server);
    transcripts("asking", &server);
    transcripts("keys", &server);
    server.stop();
}

#[test]
fn an_empty_store_and_an_import_read_as_in_the_transcripts() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    transcripts("empty", &server);
    transcripts("sending", &server);
    server.stop();
}

#[test]
fn what_is_exported_and_imported_elsewhere_is_the_same() {
    let (_home, data) = new_data_directory();
    let (_other_home, other_data) = new_data_directory();
    let (server, other) = (Server::start(&data), Server::start(&other_data));
    shop(&server);
    for from in ["spans", "logs"] {
        let file = data.with_extension(from);
        let file = file.to_str().unwrap();
        let flags = ["export", "--from", from, "--format", "otlp", "--out", file];
        let exported = run(&server, &flags);
        assert!(exported.status.success(), "{exported:?}");
        let imported = run(&other, &["import", file]);
        assert!(imported.status.success(), "{imported:?}");
    }
    for sql in [
        "SELECT trace_id, span_id, name, time, duration_ns, service.name, tenant.id FROM spans ORDER BY trace_id, span_id",
        "SELECT trace_id, span_id, time, severity_text, body, exception.type FROM logs ORDER BY trace_id, time, body",
    ] {
        let flags = ["sql", "--csv", sql];
        let (here, there) = (run(&server, &flags), run(&other, &flags));
        assert!(here.status.success() && here.stdout.len() > 300, "{here:?}");
        assert_eq!(here.stdout, there.stdout);
    }
}

#[test]
fn every_format_of_an_export_has_all_events_and_a_failed_one_leaves_no_file() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    shop(&server);
    for (format, start) in [
        ("ndjson", "{\""),
        ("csv", "received_at,"),
        ("parquet", "PAR1"),
        ("arrow", "\u{fffd}"),
        ("otlp", "{\"resourceSpans\""),
    ] {
        let exported = run(&server, &["export", "--format", format]);
        let text = String::from_utf8_lossy(&exported.stdout).into_owned();
        let told = String::from_utf8_lossy(&exported.stderr).into_owned();
        assert!(told.starts_with("90 events exported, "), "{format}: {told}");
        assert!(
            format == "csv" || text.starts_with(start),
            "{format}: {text:.60}"
        );
        match format {
            "ndjson" => assert_eq!(text.lines().count(), 90),
            "csv" => assert_eq!(text.lines().count(), 91),
            "otlp" => assert_eq!(text.matches("\"spanId\"").count(), 90),
            _ => {}
        }
    }
    let file = data.with_extension("ndjson");
    let flags = [
        "export",
        "--where",
        "nonsense = 1",
        "--out",
        file.to_str().unwrap(),
    ];
    let failed = run(&server, &flags);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(!file.exists());
    server.stop();
}

#[test]
fn a_tail_shows_what_comes_and_ends_when_it_has_shown_enough() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let mut tail = Command::new(PROGRAM)
        .args(["tail", "--count", "2", "--fields", "name,span_id"])
        .arg("--data-dir")
        .arg(&data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It shows what comes after it has begun, and nothing says from outside when that is.
    let mut trace = 0;
    let ended = poll(Duration::from_secs(120), || {
        trace += 1;
        server.send(request("shop", plain_spans(trace, 1)));
        tail.try_wait().unwrap().is_some()
    });
    tail.kill().unwrap();
    let output = tail.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(ended && output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let is_event = |line: &&str| line.ends_with("  name=plain  span_id=0000000000000001");
    assert!(lines.len() == 2 && lines.iter().all(is_event), "{text}");
    server.stop();
}
