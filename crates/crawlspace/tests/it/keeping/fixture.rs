//! A stored data directory of format 1 has to stay readable.

use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::trace::v1::{Span, span::Event};
use serde_json::{Value, json};

use crate::otlp::{attribute, list, request, span, text};
use crate::server::{Server, files_below, gzip, new_data_directory, setting};

/// 2026-11-22T12:00:00.123456789Z.
const START_NS: u64 = 1_795_348_800_123_456_789;
const TRACE: &str = "00000000000000000000000000000001";
const FIXTURE_BYTES_MAX: u64 = 200_000;
const FLAGS: [&str; 4] = ["--flush-rows", "1000000", "--flush-age", "1h"];

const QUESTIONS: [&str; 5] = [
    "SELECT count(*) AS n, min(time) AS earliest, max(duration_ns) AS longest FROM spans",
    "SELECT time, received_at, duration_ns, trace_id, span_id, parent_span_id, name, kind,
     status_code,
     status_message, service.name, scope.name, sample_weight, links FROM spans ORDER BY span_id",
    "SELECT kind, status_code, count(*) AS n FROM spans GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT city, size, late.key, \"userId\", \"userid\" FROM spans ORDER BY span_id",
    "SELECT time, trace_id, span_id, event.name, why FROM logs ORDER BY time",
];

/// `CRAWLSPACE_WRITE_FIXTURE=1` makes the directory and its answers anew.
#[test]
fn a_data_directory_of_format_1_stays_readable() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1");
    if setting("CRAWLSPACE_WRITE_FIXTURE").is_some() {
        write(&stored);
    }
    let (_home, data) = new_data_directory();
    unpack(&stored.join("data"), &data);
    let text = std::fs::read_to_string(stored.join("answers.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let server = Server::start_with(&data, &FLAGS);
    assert_eq!(answers(&server), expected, "as found");
    server.flush();
    server.compact();
    assert_eq!(
        answers(&server),
        expected,
        "after a flush and a compaction by this version"
    );
}

fn answers(server: &Server) -> Value {
    let of_question = |sql: &&str| {
        let answer = server.sql(sql);
        json!({"sql": sql, "columns": answer.columns, "rows": answer.rows})
    };
    let answers: Vec<Value> = QUESTIONS.iter().map(of_question).collect();
    json!({"answers": answers, "spans": server.trace(TRACE)["spans"]})
}

/// A compacted part, a flushed part, and a segment of what was never flushed.
fn write(stored: &Path) {
    let _ = std::fs::remove_dir_all(stored);
    std::fs::create_dir_all(stored).unwrap();
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &FLAGS);
    for first in [1, 4] {
        server.send(request("compacted", spans(first)));
        server.flush();
    }
    server.compact();
    server.send(request("flushed", spans(7)));
    server.flush();
    server.stop();
    let server = Server::start_with(&data, &FLAGS);
    server.send(request("unflushed", spans(10)));
    let expected = answers(&server);
    server.kill();
    pack(&data, &stored.join("data"));
    let text = serde_json::to_string_pretty(&expected).unwrap();
    std::fs::write(stored.join("answers.json"), text + "\n").unwrap();
    let bytes: u64 = files_below(stored, "")
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(bytes < FIXTURE_BYTES_MAX, "the fixture has {bytes} bytes");
}

/// Three spans with every kind of value; a key's type and the keys themselves depend on the number.
fn spans(first: u64) -> Vec<Span> {
    let of_number = |id: u64| {
        let size = if id.is_multiple_of(2) {
            Otlp::IntValue(id.cast_signed())
        } else {
            text("large")
        };
        let attributes = vec![
            attribute("city", text("Zürich")),
            attribute("size", size),
            attribute(
                if id.is_multiple_of(3) {
                    "userId"
                } else {
                    "userid"
                },
                text("u"),
            ),
            attribute("late.key", Otlp::DoubleValue(0.5)),
            attribute("flag", Otlp::BoolValue(id > 5)),
            attribute("items", list(vec![Otlp::IntValue(1), text("two")])),
        ];
        let event = Event {
            time_unix_nano: START_NS + id,
            name: "happened".to_owned(),
            attributes: vec![attribute("why", text("because"))],
            ..Event::default()
        };
        Span {
            start_time_unix_nano: START_NS + id,
            end_time_unix_nano: START_NS + 2 * id,
            parent_span_id: if id == 1 {
                Vec::new()
            } else {
                1_u64.to_be_bytes().to_vec()
            },
            events: vec![event],
            ..span(1, id, "stored", attributes)
        }
    };
    (first..first + 3).map(of_number).collect()
}

/// Copies a directory whose program was killed, without what only a running one needs. `SQLite`'s
/// pages, nearly empty, are stored as gzip.
fn pack(from: &Path, to: &Path) {
    for file in files_below(from, "") {
        let name = file.strip_prefix(from).unwrap().to_str().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        if name.ends_with(".sqlite") || name.ends_with(".sqlite-wal") {
            write_below(to, &format!("{name}.gz"), &gzip(&bytes));
        } else if name != "LOCK" && !name.ends_with(".sqlite-shm") {
            write_below(to, name, &bytes);
        }
    }
}

fn unpack(from: &Path, to: &Path) {
    for file in files_below(from, "") {
        let name = file.strip_prefix(from).unwrap().to_str().unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        let unpacked = name.strip_suffix(".gz");
        if unpacked.is_some() {
            let packed = std::mem::take(&mut bytes);
            GzDecoder::new(packed.as_slice())
                .read_to_end(&mut bytes)
                .unwrap();
        }
        write_below(to, unpacked.unwrap_or(name), &bytes);
    }
}

fn write_below(directory: &Path, name: &str, bytes: &[u8]) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
