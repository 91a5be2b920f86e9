//! Compaction and retention by the running program, wherever its parts are.

use std::time::Duration;

use crate::otlp::{plain_spans, request};
use crate::place::Place;
use crate::server::{Server, poll};

const PARTS: u128 = 4;
const SPANS: u64 = 20;
const GONE_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn parts_become_few_and_go_when_they_are_old() {
    check(&Place::directory());
}

#[test]
fn parts_in_a_bucket_become_few_and_go_when_they_are_old() {
    check(&Place::bucket());
}

fn live_parts(server: &Server) -> usize {
    let tables: serde_json::Value = server.get("/api/v1/tables").json().unwrap();
    usize::try_from(tables[0]["parts"].as_u64().unwrap()).unwrap()
}

fn check(place: &Place) {
    let server = place.start(&[]);
    for trace in 1..=PARTS {
        server.send(request("kept", plain_spans(trace, SPANS)));
        server.flush();
    }
    let sql = "SELECT * FROM spans ORDER BY trace_id, span_id";
    let expected = server.sql(sql);
    assert_eq!(expected.rows.len() as u64, PARTS as u64 * SPANS);
    let before = place.parts();
    assert_eq!(before.len(), PARTS as usize);
    server.compact();
    // Two, if an hour has just begun.
    assert!(live_parts(&server) <= 2, "{}", live_parts(&server));
    assert_eq!(server.sql(sql), expected);
    let after = place.parts();
    assert!(after.len() > before.len(), "a new part is there");
    let stays = |part: &String| after.contains(part);
    assert!(before.iter().all(stays), "for who still reads the old ones");
    server.stop();

    let server = place.start(&["--retention-age", "logs=1ms"]);
    assert_eq!(server.sql(sql), expected, "another table's age");
    server.stop();
    let server = place.start(&["--retention-age", "1ms"]);
    let is_gone = || live_parts(&server) == 0;
    assert!(poll(GONE_WITHIN, is_gone), "{}", server.log());
    assert_eq!(server.number("SELECT count(*) FROM spans"), 0);
    server.stop();
}
