use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crawlspace_disk::{FileSystem, RealFs, SimFs};
use crawlspace_lake::{Lake, LocalStore, SqliteCatalogue};
use crawlspace_model::{Clock, ErrorKind, Signal, SystemClock, Table, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use crate::{
    Accepted, Config, ContentType, Dependencies, Door, Encoding, Error, Headroom, Ingest, Origin,
    Request,
};

/// A lake in `dir`; its memory is flushed by rows alone.
pub(crate) async fn lake_in(dir: &Path, flush_rows: u64) -> Arc<Lake> {
    lake_with(
        dir,
        flush_rows,
        [Arc::new(SystemClock), Arc::new(SystemClock)],
    )
    .await
}

/// The same, with clocks of its own: the lake's, and the one that the catalogue asks when it commits.
async fn lake_with(dir: &Path, flush_rows: u64, clocks: [Arc<dyn Clock>; 2]) -> Arc<Lake> {
    let [clock, catalogue_clock] = clocks;
    let files: Arc<dyn FileSystem> = Arc::new(RealFs);
    let data = dir.join("data");
    let catalogue = SqliteCatalogue::open(&dir.join("catalogue.sqlite"), &data, catalogue_clock)
        .await
        .unwrap();
    let config = crawlspace_lake::Config {
        flush_rows,
        flush_age: Duration::from_secs(3_600),
        ..crawlspace_lake::Config::default()
    };
    let dependencies = crawlspace_lake::Dependencies {
        store: Arc::new(LocalStore::new(files, dir.to_owned())),
        catalogue: Arc::new(catalogue),
        clock,
    };
    Lake::open(config, dependencies).await.unwrap()
}

pub(crate) async fn open(fs: &SimFs, lake: &Arc<Lake>) -> Arc<Ingest> {
    open_with(Config::new("/data/wal".into()), fs, lake).await
}

pub(crate) async fn open_with(config: Config, fs: &SimFs, lake: &Arc<Lake>) -> Arc<Ingest> {
    let dependencies = Dependencies {
        fs: Arc::new(fs.clone()),
        lake: Arc::clone(lake),
        clock: Arc::new(SystemClock),
        headroom: Headroom::new(Arc::new(fs.clone()), Path::new("/")),
    };
    Ingest::open(config, dependencies).await.unwrap()
}

/// Spans of a trace of their own.
pub(crate) fn spans(count: u8) -> Vec<u8> {
    static TRACES: AtomicU64 = AtomicU64::new(1);
    let trace = TRACES.fetch_add(1, Ordering::Relaxed);
    let span = |i: u8| Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: vec![i + 1; 8],
        name: format!("GET /{i}"),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_000_000_100,
        ..Span::default()
    };
    let scope = ScopeSpans {
        spans: (0..count).map(span).collect(),
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource],
    }
    .encode_to_vec()
}

pub(crate) fn origin() -> Origin {
    Origin {
        door: Door::OtlpHttp,
        signal: Signal::Traces,
        key: 3,
        user_agent: "test/1".to_owned(),
    }
}

pub(crate) async fn send(
    ingest: &Ingest,
    body: Vec<u8>,
    encoding: Encoding,
) -> Result<Accepted, Error> {
    send_from(origin(), ingest, body, encoding).await
}

pub(crate) async fn send_from(
    origin: Origin,
    ingest: &Ingest,
    body: Vec<u8>,
    encoding: Encoding,
) -> Result<Accepted, Error> {
    let reservation = ingest.reserve(body.len())?;
    ingest
        .accept(Request {
            origin,
            content_type: ContentType::Protobuf,
            body: Bytes::from(body),
            encoding,
            reservation,
        })
        .await
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_rows_are_visible_and_come_back_after_a_power_cut() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(1);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    assert_eq!(
        send(&ingest, spans(3), Encoding::Identity).await.unwrap(),
        Accepted {
            accepted: 3,
            ..Accepted::default()
        }
    );
    send(&ingest, gzip(&spans(2)), Encoding::Gzip)
        .await
        .unwrap();
    assert_eq!(lake.memory_rows(), 5);

    let lake = lake_in(dir.path(), 1_000).await;
    let again = open(&fs.crash(), &lake).await;
    assert_eq!(
        (again.replayed().records, again.replayed().undecodable),
        (2, 0)
    );
    assert_eq!(lake.memory_rows(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_rows_are_not_replayed_and_replay_flushes_to_bound_memory() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(2);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    send(&ingest, spans(3), Encoding::Identity).await.unwrap();
    assert_eq!(ingest.flush().await.unwrap().rows, 3);
    assert_eq!(lake.memory_rows(), 0);
    for _ in 0..3 {
        send(&ingest, spans(2), Encoding::Identity).await.unwrap();
    }
    drop(ingest);

    let lake = lake_in(dir.path(), 4).await;
    let again = open(&fs.kill(), &lake).await;
    assert_eq!(again.replayed().records, 3);
    assert_eq!(
        lake.memory_rows(),
        2,
        "four of the six rows went to parts on the way"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_answers_what_was_taken_refuses_the_rest_and_empties_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(3);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    let senders: Vec<_> = (0..40)
        .map(|_| {
            let ingest = Arc::clone(&ingest);
            tokio::spawn(async move { send(&ingest, spans(5), Encoding::Identity).await.is_ok() })
        })
        .collect();
    send(&ingest, spans(5), Encoding::Identity).await.unwrap();
    ingest.shutdown().await.unwrap();
    let mut acknowledged = 1;
    for sender in senders {
        acknowledged += u64::from(sender.await.unwrap());
    }
    let refused = send(&ingest, spans(1), Encoding::Identity)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(ingest.healthy().is_err());
    assert_eq!(lake.memory_rows(), 0);

    let lake = lake_in(dir.path(), 1_000).await;
    let again = open(&fs.crash(), &lake).await;
    assert_eq!(again.replayed().records, 0);
    let parts = Arc::clone(&lake.snapshot().table(Table::Spans).parts);
    let rows: u64 = parts.iter().map(|part| part.meta.rows).sum();
    assert_eq!(rows, acknowledged * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_accepted_spans_leaves_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(4);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    send(&ingest, Vec::new(), Encoding::Identity).await.unwrap();
    let refused = send(
        &ingest,
        b"\xff\xffnot protobuf".to_vec(),
        Encoding::Identity,
    )
    .await
    .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BadInput);
    let mut request = ExportTraceServiceRequest::decode(spans(1).as_slice()).unwrap();
    request.resource_spans[0].scope_spans[0].spans[0]
        .trace_id
        .clear();
    let accepted = send(&ingest, request.encode_to_vec(), Encoding::Identity)
        .await
        .unwrap();
    assert_eq!((accepted.rejected, accepted.messages.len()), (1, 1));
    drop(ingest);

    let lake = lake_in(dir.path(), 1_000).await;
    assert_eq!(open(&fs.kill(), &lake).await.replayed().records, 0);
}

/// A clock that breaks whoever asks it, while it is armed: in one thread only, if that has a name.
#[derive(Debug, Default)]
struct Trap {
    is_armed: AtomicBool,
    thread: Option<&'static str>,
}

impl Trap {
    fn arm(&self, armed: bool) {
        self.is_armed.store(armed, Ordering::Relaxed);
    }
}

impl Clock for Trap {
    fn now(&self) -> UnixNanos {
        let here = std::thread::current();
        let is_here = self.thread.is_none() || here.name() == self.thread;
        assert!(
            !is_here || !self.is_armed.load(Ordering::Relaxed),
            "the trap"
        );
        SystemClock.now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_flush_is_told_and_the_next_one_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let trap = Arc::new(Trap::default());
    let clocks: [Arc<dyn Clock>; 2] = [Arc::new(SystemClock), Arc::<Trap>::clone(&trap)];
    let lake = lake_with(dir.path(), 1_000, clocks).await;
    let ingest = open(&SimFs::new(5), &lake).await;
    send(&ingest, spans(3), Encoding::Identity).await.unwrap();
    trap.arm(true);
    for _ in 0..2 {
        let error = ingest.flush().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        let trouble = ingest.healthy().unwrap_err();
        assert!(
            trouble.contains("flushed") && trouble.contains("the trap"),
            "{trouble}"
        );
    }
    send(&ingest, spans(2), Encoding::Identity).await.unwrap();
    trap.arm(false);
    assert_eq!(ingest.flush().await.unwrap().rows, 5);
    // Other work may have met the trap too, and is due later.
    let trouble = ingest.healthy().err().unwrap_or_default();
    assert!(!trouble.contains("flushed"), "{trouble}");
    let flushes = ingest.statistics().flushes;
    assert_eq!((flushes.done, flushes.failed), (1, 2));
    drop(ingest);
    let account = lake_in(dir.path(), 1_000).await.account();
    let stored: u64 = account.lines().map(|(_, count)| count.records).sum();
    assert_eq!((stored, lake.snapshot().table(Table::Spans).rows()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_or_is_not_owned_any_more_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(6);
    let lake = lake_in(dir.path(), 1_000).await;
    let ingest = open(&fs, &lake).await;
    let mut told = Ok(());
    // Whoever watches the disk may have found that it works again before we ask.
    for _ in 0..20 {
        if told.is_ok() {
            fs.fail_nth(1, std::io::ErrorKind::StorageFull);
            let sent = send(&ingest, spans(1), Encoding::Identity).await;
            sent.unwrap_err();
            told = ingest.healthy();
        }
    }
    assert!(told.unwrap_err().contains("log"));
    send(&ingest, spans(1), Encoding::Identity).await.unwrap();
    assert_eq!(ingest.healthy(), Ok(()));
    assert!(ingest.statistics().log_bytes > 0);
    ingest.shutdown().await.unwrap();
    assert!(ingest.healthy().unwrap_err().contains("not stored"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committer_that_broke_is_told_and_nothing_is_acknowledged_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let trap = Arc::new(Trap {
        thread: Some("committer"),
        ..Trap::default()
    });
    let clocks: [Arc<dyn Clock>; 2] = [Arc::<Trap>::clone(&trap), Arc::new(SystemClock)];
    let lake = lake_with(dir.path(), 1_000, clocks).await;
    let fs = SimFs::new(7);
    let ingest = open(&fs, &lake).await;
    send(&ingest, spans(1), Encoding::Identity).await.unwrap();
    trap.arm(true);
    // Publishing its rows breaks the committer.
    for count in [2, 1] {
        let refused = send(&ingest, spans(count), Encoding::Identity).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let trouble = ingest.healthy().unwrap_err();
    assert!(trouble.contains("committer"), "{trouble}");
    drop(ingest);

    let lake = lake_in(dir.path(), 1_000).await;
    let again = open(&fs.kill(), &lake).await;
    assert_eq!(
        again.replayed().records,
        2,
        "the first of them was in the log"
    );
}

/// The same with a field that no program knows: a request of so many bytes more, which don't compress, and as few rows.
fn padded(mut body: Vec<u8>, bytes: usize) -> Vec<u8> {
    const UNKNOWN_BYTES: u64 = 99 << 3 | 2;
    prost::encoding::encode_varint(UNKNOWN_BYTES, &mut body);
    prost::encoding::encode_varint(bytes as u64, &mut body);
    let mut noise = 88_172_645_463_325_252_u64;
    body.extend((0..bytes).map(|_| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise.to_le_bytes()[3]
    }));
    body
}

/// Looks until the condition holds.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        while !condition().await {
            look.tick().await;
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(120), holds).await;
    within.expect("the condition holds in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_bounded_while_nothing_can_be_flushed_and_ingest_goes_on_by_itself() {
    const BODY_BYTES: usize = 32 << 10;
    const LOG_BYTES_MAX: u64 = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let fs = SimFs::new(8);
    let lake = lake_in(dir.path(), 1_000_000).await;
    let config = Config {
        segment_bytes_max: 128 << 10,
        log_bytes_max: LOG_BYTES_MAX,
        ..Config::new("/data/wal".into())
    };
    let ingest = open_with(config.clone(), &fs, &lake).await;
    // A file in the place of the parts' directory: none can be written.
    let parts = dir.path().join("data/main");
    std::fs::create_dir_all(parts.parent().unwrap()).unwrap();
    std::fs::write(&parts, "").unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        match send(&ingest, padded(spans(1), BODY_BYTES), Encoding::Identity).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::LogFull { .. }), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let held = ingest.statistics().log_bytes;
    assert!((LOG_BYTES_MAX..LOG_BYTES_MAX + 2 * BODY_BYTES as u64).contains(&held));
    let bodies = LOG_BYTES_MAX / BODY_BYTES as u64;
    assert!(
        (bodies - 1..=bodies + 1).contains(&acknowledged),
        "{acknowledged} of {bodies}"
    );
    assert_eq!(lake.memory_rows(), acknowledged);
    ingest.flush().await.unwrap_err();
    let trouble = ingest.healthy().unwrap_err();
    assert!(trouble.contains("flushed"), "{trouble}");

    // A restart finds the log as full as it was, and takes nothing either.
    drop(ingest);
    std::fs::remove_file(&parts).unwrap();
    let lake = lake_in(dir.path(), 1_000_000).await;
    std::fs::write(&parts, "").unwrap();
    let ingest = open_with(config, &fs.kill(), &lake).await;
    assert_eq!(lake.memory_rows(), acknowledged);
    let body = padded(spans(1), BODY_BYTES);
    let refused = send(&ingest, body.clone(), Encoding::Identity).await;
    assert!(matches!(refused, Err(Error::LogFull { .. })), "{refused:?}");

    std::fs::remove_file(&parts).unwrap();
    // Nobody orders a flush, and one comes.
    until(async || {
        let sent = send(&ingest, body.clone(), Encoding::Identity).await;
        sent.is_ok()
    })
    .await;
    ingest.flush().await.unwrap();
    assert_eq!(lake.snapshot().table(Table::Spans).rows(), acknowledged + 1);
    until(async || ingest.statistics().log_bytes < LOG_BYTES_MAX / 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_room_is_written_by_itself_whatever_the_rows_number_and_age() {
    const MEMORY_BYTES_MAX: u64 = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let lake = lake_in(dir.path(), 1_000_000).await;
    let config = Config {
        memory_bytes_max: MEMORY_BYTES_MAX,
        ..Config::new("/data/wal".into())
    };
    let ingest = open_with(config, &SimFs::new(9), &lake).await;
    send(&ingest, spans(1), Encoding::Identity).await.unwrap();
    let mut rows = 1;
    while lake.memory_bytes() <= MEMORY_BYTES_MAX / 2 && lake.memory_rows() == rows {
        send(&ingest, spans(200), Encoding::Identity).await.unwrap();
        rows += 200;
    }
    until(async || lake.memory_rows() == 0).await;
    assert_eq!(lake.snapshot().table(Table::Spans).rows(), rows);
    until(async || ingest.statistics().flushes.done == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_faster_than_parts_are_written_waits_and_is_not_refused() {
    const MEMORY_BYTES_MAX: u64 = 2 << 20;
    let dir = tempfile::tempdir().unwrap();
    let lake = lake_in(dir.path(), 1_000_000).await;
    let config = Config {
        memory_bytes_max: MEMORY_BYTES_MAX,
        ..Config::new("/data/wal".into())
    };
    let ingest = open_with(config, &SimFs::new(10), &lake).await;
    let (mut sent, mut rows) = (0, 0);
    while sent < 4 * MEMORY_BYTES_MAX {
        let before = lake.memory_bytes();
        // Not to be taken for a repeated request.
        let body = padded(spans(200), 100_000 + rows as usize);
        send(&ingest, body, Encoding::Identity).await.unwrap();
        sent += lake.memory_bytes().saturating_sub(before);
        rows += 200;
    }
    ingest.flush().await.unwrap();
    assert_eq!(lake.snapshot().table(Table::Spans).rows(), rows);
    assert!(ingest.statistics().flushes.done > 1);
}
