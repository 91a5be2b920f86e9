use std::io;
use std::path::Path;
use std::sync::Arc;

use crawlspace_disk::SimFs;
use crawlspace_lake::{Lake, SEEN_LIFE, Seen};
use crawlspace_model::account::{Count, Reason, Total};
use crawlspace_model::{Signal, Table, UnixNanos};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::prelude::{Just, ProptestConfig, Strategy, proptest};
use proptest::{collection::vec, prop_oneof};
use prost::Message as _;

use super::refusals::Refusals;
use super::repeats::{Found, Hash, Repeats};
use super::{Origin, REFUSALS_MAX, hash_of};
use crate::tests::{gzip, lake_in, open, open_with, origin, send, send_from, spans};
use crate::{Config, Encoding, Ingest};

/// Of all that came.
fn total(ingest: &Ingest) -> Total {
    let account = ingest.ledger().account;
    account.totals(|_| ()).remove(&()).unwrap_or_default()
}

fn rows(lake: &Lake) -> u64 {
    lake.snapshot().table(Table::Spans).rows()
}

/// Spans of which one has no trace id.
fn spans_with_a_bad_one(count: u8) -> Vec<u8> {
    let mut request = ExportTraceServiceRequest::decode(spans(count).as_slice()).unwrap();
    request.resource_spans[0].scope_spans[0].spans[0]
        .trace_id
        .clear();
    request.encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer_and_is_stored_once_whatever_happens_between() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(1);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    let body = spans_with_a_bad_one(5);
    let first = send(&ingest, body.clone(), Encoding::Identity)
        .await
        .unwrap();
    assert_eq!((first.accepted, first.rejected), (4, 1));
    let again = send(&ingest, gzip(&body), Encoding::Gzip).await.unwrap();
    assert_eq!(again, first, "compressed otherwise, it says the same");
    drop(ingest);

    // A power cut: the log alone knows of it.
    let fs = fs.crash();
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    let again = send(&ingest, body.clone(), Encoding::Identity)
        .await
        .unwrap();
    assert_eq!(again, first);
    ingest.flush().await.unwrap();
    drop(ingest);

    // After the flush the catalogue alone does.
    let fs = fs.kill();
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    assert_eq!(ingest.replayed().records, 0);
    let again = send(&ingest, body, Encoding::Identity).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(rows(&lake), 4);
    let total = total(&ingest);
    assert_eq!(total.stored, Count::new(1, 4));
    assert_eq!(total.deduplicated, Count::new(3, 12));
    assert_eq!(total.refused[&Reason::InvalidRecord], Count::new(0, 4));
    assert_eq!(total.received, Count::new(4, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deduplication_a_repeated_request_is_stored_again() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake_in(dir.path(), 1_000).await;
    let config = Config {
        deduplicate: false,
        ..Config::new("/data/wal".into())
    };
    let ingest = open_with(config, &SimFs::new(1), &lake).await;
    let body = spans(3);
    for _ in 0..2 {
        send(&ingest, body.clone(), Encoding::Identity)
            .await
            .unwrap();
    }
    assert_eq!(rows(&lake), 6);
    assert_eq!(total(&ingest).stored, Count::new(2, 6));
}

/// A log record, with or without a time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_log_twice_is_stored_once_by_the_replay() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(1);
    let lake = lake_in(dir.path(), 1_000).await;
    let config = || Config::new("/data/wal".into());
    // As after a sync that failed: the log has the refused request, and the same sent again.
    let off = Config {
        deduplicate: false,
        ..config()
    };
    let ingest = open_with(off, &fs, &lake).await;
    let body = spans_with_a_bad_one(5);
    for _ in 0..2 {
        send(&ingest, body.clone(), Encoding::Identity)
            .await
            .unwrap();
    }
    drop(ingest);

    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open_with(config(), &fs.crash(), &lake).await;
    assert_eq!(rows(&lake), 4);
    let total = total(&ingest);
    assert_eq!((total.stored.records, total.deduplicated.records), (4, 4));
}

fn log_record(time_unix_nano: u64) -> Vec<u8> {
    let record = LogRecord {
        time_unix_nano,
        severity_text: "INFO".to_owned(),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs {
        log_records: vec![record],
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs,
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_neither_id_nor_time_can_be_meant_twice() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&SimFs::new(1), &lake).await;
    for (time, stored) in [(1_795_348_800_000_000_000, 1), (0, 3)] {
        let body = log_record(time);
        for _ in 0..2 {
            let logs = Origin {
                signal: Signal::Logs,
                ..origin()
            };
            let accepted = send_from(logs, &ingest, body.clone(), Encoding::Identity).await;
            assert_eq!(accepted.unwrap().accepted, 1);
        }
        assert_eq!(lake.snapshot().table(Table::Logs).rows(), stored);
    }
    let account = ingest.ledger().account;
    let by_signal = account.totals(|line| line.signal);
    assert_eq!(by_signal[&Signal::Logs].received, Count::new(4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_twins_one_is_stored_and_all_are_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&SimFs::new(1), &lake).await;
    let body = spans(3);
    let twins: Vec<_> = (0..16)
        .map(|_| {
            let (ingest, body) = (Arc::clone(&ingest), body.clone());
            tokio::spawn(async move { send(&ingest, body, Encoding::Identity).await })
        })
        .collect();
    for twin in twins {
        assert_eq!(twin.await.unwrap().unwrap().accepted, 3);
    }
    assert_eq!(rows(&lake), 3);
    let total = total(&ingest);
    assert_eq!(total.stored, Count::new(1, 3));
    assert_eq!(total.deduplicated, Count::new(15, 45));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_goes_on_by_itself_when_the_first_fails() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(1);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    let body = spans(3);
    fs.fail_nth(1, io::ErrorKind::StorageFull);
    let (one, other) = tokio::join!(
        send(&ingest, body.clone(), Encoding::Identity),
        send(&ingest, body, Encoding::Identity),
    );
    let stored = [one, other].into_iter().filter(Result::is_ok).count();
    assert_eq!(stored, 1);
    assert_eq!(rows(&lake), 3);
    let total = total(&ingest);
    assert_eq!(total.received, Count::new(1, 3));
    assert_eq!(total.deferred[&Reason::Unavailable], Count::new(1, 0));
    let refusals = ingest.ledger().refusals;
    assert_eq!((refusals.len(), refusals[0].times), (1, 1));
    assert_eq!(refusals[0].origin, origin());
}

#[test]
fn a_request_is_remembered_for_ten_minutes_and_by_what_it_says() {
    let repeats = Arc::new(Repeats::default());
    let hash = hash_of(0, 1, b"spans");
    let start = UnixNanos(1_795_380_009_000_000_000);
    let after = |nanos: i64| UnixNanos(start.0 + nanos);
    let life = i64::try_from(SEEN_LIFE.as_nanos()).unwrap();
    let seen = Seen {
        hash,
        received_at: start,
        accepted: 7,
        rejected: 0,
    };
    let found =
        |hash, now| matches!(repeats.find(hash, now), Found::Repeat(found) if found == seen);
    assert!(!found(hash, start));
    repeats.remember(seen);
    for (claim, hash, now, expected) in [
        ("at once", hash, start, true),
        ("ten minutes later", hash, after(life), true),
        ("still later", hash, after(life + 1), false),
        ("by a clock set back", hash, after(-life), true),
        ("other bytes", hash_of(0, 1, b"span"), start, false),
        ("another signal", hash_of(0, 2, b"spans"), start, false),
        ("another project", hash_of(1, 1, b"spans"), start, false),
    ] {
        assert_eq!(found(hash, now), expected, "{claim}");
    }
    // What comes later pushes it into the old generation, and then out.
    for (claim, later, expected) in [("old", life + 1, true), ("gone", 2 * life + 2, false)] {
        let other: Hash = hash_of(0, 1, &later.to_le_bytes());
        repeats.remember(Seen {
            hash: other,
            received_at: after(later),
            ..seen
        });
        assert_eq!(found(hash, start), expected, "{claim}");
    }
}

#[test]
fn the_same_refusal_again_is_counted_and_the_oldest_is_forgotten() {
    let mut refusals = Refusals::default();
    let refuse = |refusals: &mut Refusals, message: &str, at| {
        refusals.add(&origin(), Reason::TooLarge, message, UnixNanos(at));
    };
    refuse(&mut refusals, "first", 1);
    refuse(&mut refusals, "second", 2);
    refuse(&mut refusals, "first", 3);
    let kept = refusals.newest_first();
    assert_eq!((kept.len(), kept[0].times), (2, 2));
    assert_eq!(
        (kept[0].first_at, kept[0].last_at),
        (UnixNanos(1), UnixNanos(3))
    );
    for i in 0..REFUSALS_MAX {
        refuse(&mut refusals, &format!("{i} {}", "ä".repeat(1_000)), 4);
    }
    let kept = refusals.newest_first();
    assert_eq!(kept.len(), REFUSALS_MAX);
    assert!(
        kept.iter()
            .all(|refused| refused.message.chars().count() < 500)
    );
    assert!(kept.iter().all(|refused| refused.message != "first"));
}

/// What may happen to the write path.
#[derive(Debug, Clone)]
enum Step {
    Send {
        spans: u8,
        bad: bool,
    },
    /// The request sent so many before the last.
    Repeat(usize),
    Undecodable,
    Empty,
    RefuseAtTheDoor,
    DiskFull,
    Flush,
    Kill,
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..5_u8, proptest::bool::ANY).prop_map(|(spans, bad)| Step::Send { spans, bad }),
        4 => (0..4_usize).prop_map(Step::Repeat),
        1 => Just(Step::Undecodable),
        1 => Just(Step::Empty),
        1 => Just(Step::RefuseAtTheDoor),
        1 => Just(Step::DiskFull),
        2 => Just(Step::Flush),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerCut),
    ]
}

/// What the ledger has to say.
#[derive(Debug, Clone, Default)]
struct Model {
    stored: Count,
    deduplicated: Count,
    invalid: u64,
    loose: Loose,
    /// `loose` as of the last flush: a crash may take what came later.
    saved: Loose,
    sent: Vec<(Vec<u8>, u64, u64)>,
}

/// What is not in the log.
#[derive(Debug, Clone, Default, PartialEq)]
struct Loose {
    empty: u64,
    nothing_valid: Count,
    undecodable: u64,
    unsupported: u64,
    unavailable: u64,
}

struct World<'a> {
    dir: &'a Path,
    fs: SimFs,
    lake: Arc<Lake>,
    ingest: Arc<Ingest>,
}

impl World<'_> {
    async fn step(&mut self, step: &Step, model: &mut Model) {
        let ingest = &self.ingest;
        match step {
            Step::Send { spans: count, bad } => {
                let body = if *bad {
                    spans_with_a_bad_one(*count)
                } else {
                    spans(*count)
                };
                let rejected = u64::from(*bad);
                let accepted = u64::from(*count) - rejected;
                let answer = send(ingest, body.clone(), Encoding::Identity)
                    .await
                    .unwrap();
                assert_eq!((answer.accepted, answer.rejected), (accepted, rejected));
                if accepted == 0 {
                    model.loose.nothing_valid += Count::request(rejected);
                } else {
                    model.stored += Count::request(accepted);
                    model.invalid += rejected;
                    model.sent.push((body, accepted, rejected));
                }
            }
            Step::Repeat(back) => {
                let nth = model.sent.len().checked_sub(back + 1);
                let Some((body, accepted, rejected)) = nth.map(|nth| model.sent[nth].clone())
                else {
                    return;
                };
                let answer = send(ingest, body, Encoding::Identity).await.unwrap();
                assert_eq!((answer.accepted, answer.rejected), (accepted, rejected));
                model.deduplicated += Count::request(accepted);
                model.invalid += rejected;
            }
            Step::Undecodable => {
                let body = b"\xff\xffnot protobuf".to_vec();
                send(ingest, body, Encoding::Identity).await.unwrap_err();
                model.loose.undecodable += 1;
            }
            Step::Empty => {
                send(ingest, Vec::new(), Encoding::Identity).await.unwrap();
                model.loose.empty += 1;
            }
            Step::RefuseAtTheDoor => {
                ingest.refuse(&origin(), Reason::Unsupported, "send protobuf");
                model.loose.unsupported += 1;
            }
            Step::DiskFull => {
                self.fs.fail_nth(1, io::ErrorKind::StorageFull);
                let body = spans(2);
                match send(ingest, body.clone(), Encoding::Identity).await {
                    Err(_) => model.loose.unavailable += 1,
                    // The fault hit the cleaning up after a flush, which goes on beside it.
                    Ok(_) => {
                        model.stored += Count::request(2);
                        model.sent.push((body, 2, 0));
                    }
                }
            }
            Step::Flush => {
                ingest.flush().await.unwrap();
                model.saved = model.loose.clone();
            }
            Step::Kill => self.restart(self.fs.kill(), model).await,
            Step::PowerCut => self.restart(self.fs.crash(), model).await,
        }
        self.check(model);
    }

    async fn restart(&mut self, fs: SimFs, model: &mut Model) {
        self.lake = lake_in(self.dir, 1_000).await;
        self.ingest = open(&fs, &self.lake).await;
        self.fs = fs;
        model.loose = model.saved.clone();
    }

    fn check(&self, model: &Model) {
        let found = total(&self.ingest);
        let refused = |reason| found.refused.get(&reason).copied().unwrap_or_default();
        let Loose {
            empty,
            nothing_valid,
            undecodable,
            unsupported,
            unavailable,
        } = &model.loose;
        assert_eq!(found.deduplicated, model.deduplicated);
        assert_eq!(found.stored.requests, model.stored.requests + empty);
        assert_eq!(found.stored.records, model.stored.records);
        assert_eq!(
            rows(&self.lake),
            model.stored.records,
            "what is counted is there"
        );
        let mut invalid = Count::new(0, model.invalid);
        invalid += *nothing_valid;
        assert_eq!(refused(Reason::InvalidRecord), invalid);
        assert_eq!(refused(Reason::Undecodable), Count::new(*undecodable, 0));
        assert_eq!(refused(Reason::Unsupported), Count::new(*unsupported, 0));
        let deferred = found.deferred.get(&Reason::Unavailable).copied();
        assert_eq!(deferred.unwrap_or_default(), Count::new(*unavailable, 0));
        let mut received = found.stored;
        received += found.deduplicated;
        found.refused.values().for_each(|count| received += *count);
        assert_eq!(found.received, received);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn the_ledger_says_what_happened_over_any_sequence_of_sends_flushes_and_crashes(
        steps in vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let fs = SimFs::new(1);
            let lake = lake_in(dir.path(), 1_000).await;
            let ingest = open(&fs, &lake).await;
            let mut world = World { dir: dir.path(), fs, lake, ingest };
            let mut model = Model::default();
            for step in &steps {
                world.step(step, &mut model).await;
            }
        });
    }
}
