//! The command line as people see it: the transcripts in `tests/cli`, run against servers of their own. `TRYCMD=overwrite` writes what is printed now.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::otlp::{now, plain_spans, request};
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
    let ended = poll(Duration::from_secs(30), || {
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

/// The metric that the guide asks about.
fn send_durations(server: &Server) {
    let point = json!({
        "timeUnixNano": now().to_string(), "count": "2", "sum": 0.5, "explicitBounds": [1], "bucketCounts": ["2", "0"],
        "attributes": [{"key": "http.route", "value": {"stringValue": "/orders"}}]
    });
    let histogram = json!({"aggregationTemporality": 2, "dataPoints": [point]});
    let metric =
        json!({"name": "http.server.request.duration", "unit": "s", "histogram": histogram});
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    let taken = server.post("/v1/metrics").json(&request).send().unwrap();
    assert_eq!(taken.text().unwrap(), "{}");
}

/// What the guide shows runs as it stands, but for what needs another machine, never ends, or stops the server.
#[test]
fn commands_of_the_guide_run() {
    const NOT_HERE: [&str; 6] = [
        "crawlspace tail",
        "crawlspace import",
        "-sN",
        "/v1/logs",
        "http://other",
        "question.sql",
    ];
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    shop(&server);
    send_durations(&server);
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let mut run = 0;
    for page in ["ask", "compare", "move", "missing-data"] {
        let text = std::fs::read_to_string(format!("../../docs/guide/{page}.md")).unwrap();
        for block in text.split("```sh\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            if NOT_HERE.iter().any(|part| block.contains(part)) {
                continue;
            }
            let script = block.replace("http://127.0.0.1:4320", server.http());
            let output = Command::new("sh")
                .args(["-ec", &format!("export PATH={programs}:$PATH\n{script}")])
                .env("CRAWLSPACE_SERVER", server.http())
                .current_dir(home.path())
                .output()
                .unwrap();
            let answer = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{page}: {block}\n{output:?}");
            // curl ends well with a refusal, too.
            assert!(
                !answer.contains("\"status\":4"),
                "{page}: {block}\n{answer}"
            );
            run += 1;
        }
    }
    assert!(run >= 15, "only {run} blocks were run");
    server.stop();
}
