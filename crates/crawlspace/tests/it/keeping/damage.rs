//! Data directories that are damaged, foreign or taken: what can be read is, and the rest is named.

use std::ops::Range;
use std::path::Path;

use serde_json::json;

use crate::duck::Duck;
use crate::otlp::{plain_spans, request};
use crate::place::Place;
use crate::server::{Server, damage_records, files_below, new_data_directory};

const ALL: &str = "SELECT * FROM spans";
const COUNT: &str = "SELECT count(*) FROM spans";

#[test]
fn a_corrupt_part_is_set_aside_and_the_rest_answers() {
    check_damaged_part(&Place::directory(), "its pages", |length| 4..length / 2);
    check_damaged_part(&Place::directory(), "its footer", |length| {
        length - 64..length
    });
}

#[test]
fn a_corrupt_part_in_a_bucket_is_set_aside_and_the_rest_answers() {
    check_damaged_part(&Place::bucket(), "its pages", |length| 4..length / 2);
}

fn check_damaged_part(place: &Place, what: &str, damaged: fn(usize) -> Range<usize>) {
    let server = place.start(&[]);
    server.send(request("first", plain_spans(1, 10)));
    server.flush();
    let first = place.parts();
    server.send(request("second", plain_spans(2, 7)));
    server.flush();
    let mut second = place.parts();
    second.retain(|part| !first.contains(part));
    assert_eq!(second.len(), 1);
    server.stop();
    place.damage(&second[0], damaged);
    let server = place.start(&[]);
    let rows = |server: &Server| server.sql(ALL).rows.len();
    // Where rows were given before the damage is met, the answer breaks off; the next one is whole.
    match server.ask("/api/v1/sql", &json!({ "sql": ALL })) {
        Ok(answer) => assert_eq!(answer.rows.len(), 10, "{what}"),
        Err(problem) => assert!(problem["detail"].is_string(), "{what}: {problem}"),
    }
    assert_eq!(rows(&server), 10, "{what}");
    assert_named(&server.log(), Path::new(&second[0]));
    server.send(request("third", plain_spans(3, 5)));
    server.flush();
    server.compact();
    assert_eq!(rows(&server), 15, "{what}");
    assert!(server.trace(&format!("{:032x}", 2)).is_null());
    let intact = server.trace(&format!("{:032x}", 1));
    assert_eq!(intact["spans"].as_array().unwrap().len(), 10, "{what}");
    if place.bucket.is_none() {
        let mut duck = Duck::attached(&place.data);
        let rows = duck.rows("SELECT * FROM lake.spans");
        assert_eq!(rows.len(), 15, "{what}");
    }
}

#[test]
fn a_corrupt_segment_is_named_and_the_rest_is_replayed() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--flush-age", "1h"]);
    for trace in 1..=3 {
        server.send(request("first", plain_spans(trace, 10)));
    }
    server.kill();
    let segments = files_below(&data, ".wal");
    assert_eq!(segments.len(), 1);
    damage_records(&segments[0]);
    let server = Server::start(&data);
    assert_eq!(server.number(COUNT), 20, "only the damaged request is lost");
    assert_named(&server.log(), &segments[0]);
    server.send(request("second", plain_spans(4, 5)));
    server.flush();
    assert_eq!(server.number(COUNT), 25);
}

fn assert_named(log: &str, file: &Path) {
    let name = file.file_stem().unwrap().to_str().unwrap();
    assert!(
        log.contains(name),
        "`{name}` is not named in the log:\n{log}"
    );
}

#[test]
fn directories_of_others_are_refused_with_a_sentence() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let refusal = Server::try_start(&data, &[]).err().unwrap();
    assert!(!refusal.status.success());
    assert!(refusal.log.contains("in use"), "{}", refusal.log);
    server.stop();

    std::fs::write(data.join("crawlspace.json"), "{\"format_version\":2}").unwrap();
    let refusal = Server::try_start(&data, &[]).err().unwrap();
    assert!(!refusal.status.success());
    assert!(
        refusal.log.contains("version 2") && refusal.log.contains("newer"),
        "{}",
        refusal.log
    );
}
/// Wherever the bytes are: a part is set aside or answers as before, but never says something else.
#[test]
fn no_flipped_byte_alters_an_answer() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("all", plain_spans(1, 50)));
    server.flush();
    let sql = "SELECT * FROM spans ORDER BY span_id";
    let expected = server.sql(sql);
    server.stop();
    let parts = files_below(&data.join("lake/data"), ".parquet");
    let bytes = std::fs::read(&parts[0]).unwrap();
    for tenth in 0..10 {
        let (_home, copied) = new_data_directory();
        copy(&data, &copied);
        let part = copied.join(parts[0].strip_prefix(&data).unwrap());
        let mut flipped = bytes.clone();
        flipped[tenth * bytes.len() / 10 + 4] ^= 0x55;
        std::fs::write(&part, flipped).unwrap();
        let server = Server::start(&copied);
        let answer = server.sql(sql);
        let is_set_aside = answer.rows.is_empty();
        assert!(
            is_set_aside || answer == expected,
            "tenth {tenth} of the part: {answer:?}"
        );
        if is_set_aside {
            assert_named(&server.log(), &part);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for file in files_below(from, "") {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}
