//! How the program starts, idles and stops.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::otlp::{plain_spans, request};
use crate::place::Place;
use crate::server::{PROTOBUF, Server, poll};

/// Bounds for a slow machine: what the release build needs is measured by the benchmark.
const READY_WITHIN: Duration = Duration::from_secs(20);
const LOADED_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
const IDLE_KIB_MAX: u64 = 100 * 1024;
const SPANS_PER_REQUEST: u64 = 50;

#[test]
fn it_starts_soon_idles_small_and_stops_clean_under_load() {
    let place = Place::directory();
    let server = place.start(&[]);
    for probe in ["/livez", "/readyz"] {
        assert_eq!(server.get(probe).status(), 200, "{probe}");
    }
    let resident_kib = server.resident_kib();
    eprintln!(
        "ready after {:?}, {resident_kib} KiB idle",
        server.ready_after
    );
    assert!(
        server.ready_after <= READY_WITHIN,
        "ready only after {:?}",
        server.ready_after
    );
    assert!(resident_kib < IDLE_KIB_MAX, "{resident_kib} KiB idle");
    check_stop_under_load(&place, server);
}

#[test]
fn it_stops_clean_under_load_with_a_bucket() {
    let place = Place::bucket();
    let server = place.start(&[]);
    check_stop_under_load(&place, server);
}

fn check_stop_under_load(place: &Place, server: Server) {
    let (acknowledged, stopped_after) = stop_under_load(server);
    eprintln!(
        "stopped after {stopped_after:?} with {} requests acknowledged",
        acknowledged.len()
    );
    assert!(
        stopped_after <= STOPPED_WITHIN,
        "stopped only after {stopped_after:?}"
    );
    let server = place.start(&[]);
    let answer = server.sql("SELECT trace_id, count(*) FROM spans GROUP BY trace_id");
    let found: HashMap<&str, i64> = answer
        .rows
        .iter()
        .map(|row| (row[0].as_str().unwrap(), row[1].as_i64().unwrap()))
        .collect();
    for trace in acknowledged {
        let count = found.get(format!("{trace:032x}").as_str());
        assert_eq!(
            count,
            Some(&SPANS_PER_REQUEST.cast_signed()),
            "trace {trace}"
        );
    }
}

/// Stops the program while four clients send; gives the traces that were acknowledged.
fn stop_under_load(server: Server) -> (Vec<u128>, Duration) {
    let (client, url) = (server.client(), server.traces_url());
    let loaded = AtomicBool::new(false);
    let send = |writer: u128| {
        let mut acknowledged = Vec::new();
        for trace in (1..).map(|at: u128| writer << 64 | at) {
            let body = request("load", plain_spans(trace, SPANS_PER_REQUEST));
            let sent = client
                .post(&url)
                .header("content-type", PROTOBUF)
                .body(body)
                .send();
            if !sent.is_ok_and(|response| response.status() == 200) {
                break;
            }
            acknowledged.push(trace);
            loaded.fetch_or(acknowledged.len() >= 25, Ordering::Relaxed);
        }
        acknowledged
    };
    let send = &send;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=4)
            .map(|writer| scope.spawn(move || send(writer)))
            .collect();
        assert!(
            poll(LOADED_WITHIN, || loaded.load(Ordering::Relaxed)),
            "{}",
            server.log()
        );
        let (status, stopped_after) = server.terminate();
        assert!(status.success(), "{status}");
        let acknowledged = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        (acknowledged, stopped_after)
    })
}
