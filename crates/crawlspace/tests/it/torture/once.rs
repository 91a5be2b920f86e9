//! Visible once, visible always: while rows come, are flushed and compacted, a reader counts them all the time. It never
//! finds fewer than were acknowledged before it asked, fewer than before, more than were sent, or one of them twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::instruments::numbered::batch;
use super::{Done, amount, seed};
use crate::answers::integer;
use crate::server::{Server, new_data_directory};

/// A compaction after so many flushes.
const FLUSHES_PER_COMPACTION: u64 = 20;
/// Requests between two flushes, at most: there would be more rows than can be counted again and again.
const REQUESTS_PER_FLUSH: u64 = 20;
/// Until somebody else has come so far.
const PAUSE: Duration = Duration::from_millis(1);
/// Nothing is flushed but by this rig.
const FLAGS: [&str; 2] = ["--flush-age", "1h"];

#[test]
fn rows_are_visible_once_and_stay_so_through_flush_and_compaction() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &FLAGS);
    let flushes = amount(60, 2_000);
    let seed = seed();
    let is_done = AtomicBool::new(false);
    let (sent, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    let requests = AtomicU64::new(0);
    let mut questions = 0u64;
    // Without any, there would be no such fields.
    let mut random = StdRng::seed_from_u64(seed);
    let first = batch(0, 0, 0, &mut random);
    sent.store(first.0.len() as u64, Ordering::SeqCst);
    server.send(first.1.clone());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // However one ends, the others have to.
            let _done = Done(&is_done);
            let mut from = first.0.len() as u64;
            while !is_done.load(Ordering::Relaxed) {
                if requests.load(Ordering::SeqCst) == REQUESTS_PER_FLUSH {
                    std::thread::park_timeout(PAUSE);
                    continue;
                }
                let (spans, body) = batch(0, 0, from, &mut random);
                from += spans.len() as u64;
                sent.store(from, Ordering::SeqCst);
                server.send(body);
                acknowledged.store(from, Ordering::SeqCst);
                requests.fetch_add(1, Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            let _done = Done(&is_done);
            for flush in 1..=flushes {
                // Each has something to write.
                while requests.load(Ordering::SeqCst) == 0 && !is_done.load(Ordering::Relaxed) {
                    std::thread::park_timeout(PAUSE);
                }
                requests.store(0, Ordering::SeqCst);
                server.flush();
                if flush % FLUSHES_PER_COMPACTION == 0 {
                    server.compact();
                }
            }
        });
        let _done = Done(&is_done);
        let mut before = 0;
        while !is_done.load(Ordering::Relaxed) {
            let least = acknowledged.load(Ordering::SeqCst);
            let answer = server.sql("SELECT count(*), count(DISTINCT sequence) FROM spans");
            let most = sent.load(Ordering::SeqCst);
            let counts = answer.rows[0].iter().map(|cell| integer(cell).unwrap());
            let counts: Vec<u64> = counts.map(i64::cast_unsigned).collect();
            let found = counts[0];
            let context = format!("seed {seed}: {found} found, {least} acknowledged, {most} sent");
            assert_eq!(found, counts[1], "doubled: {context}");
            assert!(least.max(before) <= found && found <= most, "{context}");
            before = found;
            questions += 1;
        }
    });
    let found = server.number("SELECT count(*) FROM spans").cast_unsigned();
    assert_eq!(found, sent.load(Ordering::SeqCst), "seed {seed}");
    eprintln!(
        "{found} spans, {flushes} flushes, {} compactions, {questions} questions: 0 regressions",
        flushes / FLUSHES_PER_COMPACTION
    );
    server.stop();
}
