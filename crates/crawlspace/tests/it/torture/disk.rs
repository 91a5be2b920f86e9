//! A disk that fails: the n-th write, sync, rename or removal, for every n. What was acknowledged is there once after the
//! power is cut; what was refused is there once after it was sent again.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crawlspace_disk::SimFs;
use crawlspace_lake::AtStart;

use super::instruments::in_process::{InProcess, home, local_store, runtime};
use super::{amount, arm, seed};

const REQUESTS: i64 = 60;
const SPANS_PER_REQUEST: i64 = 3;
/// After so many requests a flush, then a compaction.
const FLUSH_EVERY: i64 = 12;

#[test]
fn what_a_failed_write_or_sync_held_is_never_acknowledged() {
    arm();
    let seed = seed();
    let calls_max = amount(200, u64::MAX);
    let (mut refused, mut calls) = (0, 0);
    runtime().block_on(async {
        for n in 1..=calls_max {
            let (refusals, is_reached) = fail_call(seed, n).await;
            refused += refusals;
            if !is_reached {
                break;
            }
            calls = n;
        }
    });
    assert!(refused > 0, "no fault was felt");
    eprintln!("calls 1 to {calls} failed in turn, {refused} requests refused: 0 lost, 0 doubled");
}

/// How many requests were refused, and whether there is an n-th call at all.
async fn fail_call(seed: u64, n: u64) -> (u64, bool) {
    let context = format!("CRAWLSPACE_SEED={seed}, call {n}");
    let home = home();
    let fs = SimFs::new(seed.wrapping_add(n));
    let kinds = [ErrorKind::Other, ErrorKind::StorageFull];
    fs.fail_nth(n, kinds[usize::from(n % 2 == 0)]);
    let (mut refused, mut sent) = (Vec::new(), 0);
    if let Ok(process) =
        InProcess::open(home.path(), &fs, local_store(&fs), AtStart::CheckParts).await
    {
        while sent < REQUESTS {
            if process.send(&numbers(sent)).await.is_err() {
                refused.push(sent);
            }
            sent += 1;
            if !fs.has_planned_faults() && !n.is_multiple_of(3) {
                // Before a flush makes up for it.
                break;
            }
            if sent % FLUSH_EVERY == 0 {
                _ = process.flush().await;
                _ = process.compact().await;
            }
        }
        process.die().await;
    }
    let is_reached = !fs.has_planned_faults();

    let fs = if n.is_multiple_of(3) {
        fs.kill()
    } else {
        fs.crash()
    };
    let process = InProcess::open(home.path(), &fs, local_store(&fs), AtStart::CheckParts)
        .await
        .unwrap();
    let found = process.numbers().await.unwrap();
    for request in 0..REQUESTS {
        let is_refused = refused.contains(&request) || request >= sent;
        for number in numbers(request) {
            match found.get(&number) {
                Some(1) => {}
                None if is_refused => {}
                count => {
                    panic!("{context}: {number} is there {count:?} times, refused: {is_refused}")
                }
            }
        }
    }
    for request in refused.iter().copied().chain(sent..REQUESTS) {
        process.send(&numbers(request)).await.unwrap();
    }
    process.flush().await.unwrap();
    let all: BTreeMap<i64, u64> = (0..REQUESTS)
        .flat_map(numbers)
        .map(|number| (number, 1))
        .collect();
    assert_eq!(process.numbers().await.unwrap(), all, "{context}");
    assert_eq!(process.stored(), REQUESTS.cast_unsigned(), "{context}");
    process.die().await;
    (refused.len() as u64, is_reached)
}

fn numbers(request: i64) -> Vec<i64> {
    (request * SPANS_PER_REQUEST..(request + 1) * SPANS_PER_REQUEST).collect()
}
