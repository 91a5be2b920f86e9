//! Fuzzing without a fuzzer: seeds are cut, spliced, flipped and repeated for some seconds per target. No input may make a
//! decoder, the log, the guard of SQL or the parser of questions panic, or keep them for long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crawlspace_disk::{FileSystem as _, SimFs};
use crawlspace_lake::AtStart;
use crawlspace_model::{Signal, UnixNanos};
use crawlspace_query::{Engine, Error, QueryRequest};
use crawlspace_wal::{Config, Encoding as WalEncoding, Entry, Position, Wal};
use crawlspace_wire::body::{BODY_BYTES_MAX, Encoding, decompress};
use crawlspace_wire::otlp::{ContentType, decode};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::instruments::in_process::{InProcess, home, local_store, runtime};
use super::{amount, seed};
use crate::otlp::{attribute, list, map, plain_spans, request, span, text};

/// One input may not take longer than this, however slow the machine is.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);
const INPUT_BYTES_MAX: usize = 64 << 10;

/// Feeds mutations of the seeds to `target` for some seconds.
fn fuzz(name: &str, seeds: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut corpus = seeds.to_vec();
    let until = Instant::now() + Duration::from_secs(amount(5, 60));
    let (mut executions, mut slowest) = (0u64, Duration::ZERO);
    while Instant::now() < until {
        let input = mutated(&corpus, &mut random);
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| target(&input)));
        let took = began.elapsed();
        let context =
            || format!("{name}, CRAWLSPACE_SEED={seed}, execution {executions}: {input:02x?}");
        assert!(ended.is_ok(), "panic: {}", context());
        assert!(took < INPUT_TIME_MAX, "{took:?}: {}", context());
        slowest = slowest.max(took);
        executions += 1;
        // Some mutations are mutated further.
        if random.random_ratio(1, 50) {
            let place = random.random_range(seeds.len()..=corpus.len().min(seeds.len() + 200));
            corpus.truncate(seeds.len() + 200);
            match corpus.get_mut(place) {
                Some(old) => *old = input,
                None => corpus.push(input),
            }
        }
    }
    eprintln!("{name}: {executions} executions, the slowest {slowest:?}: no panic");
}

fn mutated(corpus: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    /// Lengths, tags and digits at which decoders change their minds.
    const ODD: [&[u8]; 10] = [
        &[0],
        &[0xff],
        &[0x7f],
        &[0x80],
        &[0xff; 10],
        &[0x80; 9],
        b"\"",
        b"{[",
        b"1e999",
        b"\\ud800",
    ];
    let mut input = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=input.len());
        let end = random.random_range(at..=input.len().min(at + 64));
        match random.random_range(0..7) {
            0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
            1 if at < input.len() => input[at] = random.random(),
            2 => drop(input.drain(at..end)),
            3 => {
                let odd = ODD[random.random_range(0..ODD.len())];
                input.splice(at..at, odd.iter().copied());
            }
            4 => {
                let piece = input[at..end].repeat(random.random_range(1..8));
                input.splice(at..at, piece);
            }
            5 => {
                let other = &corpus[random.random_range(0..corpus.len())];
                let from = random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn traces() -> Vec<Vec<u8>> {
    let attributes = vec![
        attribute("text", text("häß\u{0}")),
        attribute("list", list(vec![text("a"), map(vec![("k", text("v"))])])),
        attribute("Text", text("other case")),
    ];
    vec![
        request("fuzz", plain_spans(1, 3)),
        request("fuzz", vec![span(7, 7, "odd", attributes)]),
        Vec::new(),
    ]
}

fn decoded(signal: Signal, content_type: ContentType) -> impl FnMut(&[u8]) {
    move |body| {
        _ = decode(
            signal,
            content_type,
            body,
            UnixNanos(1_700_000_000_000_000_000),
        )
    }
}

#[test]
fn protobuf_traces() {
    fuzz(
        "traces, protobuf",
        &traces(),
        decoded(Signal::Traces, ContentType::Protobuf),
    );
}

#[test]
fn protobuf_logs() {
    // Both begin with resource, scope, records; what follows is odd enough.
    fuzz(
        "logs, protobuf",
        &traces(),
        decoded(Signal::Logs, ContentType::Protobuf),
    );
}

#[test]
fn protobuf_metrics() {
    fuzz(
        "metrics, protobuf",
        &traces(),
        decoded(Signal::Metrics, ContentType::Protobuf),
    );
}

#[test]
fn json() {
    let value = r#"{"stringValue":"x"}"#;
    let attributes = format!(
        r#""attributes":[{{"key":"k","value":{value}}},{{"key":"n","value":{{"intValue":"7"}}}}]"#
    );
    let bodies = [
        format!(r#"{{"resourceSpans":[{{"resource":{{{attributes}}},"scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"n","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,{attributes}}}]}}]}}]}}"#),
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1","severityNumber":9,"body":{value},{attributes}}}]}}]}}]}}"#),
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"aggregationTemporality":2,"dataPoints":[{"asDouble":1.5,"timeUnixNano":"1"}]}}]}]}]}"#.to_owned(),
    ];
    let seeds: Vec<Vec<u8>> = bodies.map(String::into_bytes).to_vec();
    let mut turn = 0;
    fuzz("all signals, JSON", &seeds, |body| {
        turn += 1;
        let signal = Signal::ALL[turn % Signal::ALL.len()];
        decoded(signal, ContentType::Json)(body);
    });
}

#[test]
fn compressed() {
    let plain = request("fuzz", plain_spans(1, 5));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, &plain).unwrap();
    let seeds = [
        crate::server::gzip(&plain),
        zstd::encode_all(&*plain, 1).unwrap(),
        zlib.finish().unwrap(),
    ];
    let encodings = [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate];
    let mut turn = 0;
    fuzz("gzip, zstd, deflate", &seeds, |body| {
        turn += 1;
        let body = Bytes::copy_from_slice(body);
        _ = decompress(
            &body,
            encodings[turn % encodings.len()],
            BODY_BYTES_MAX,
            &mut |_| true,
        );
    });
}

#[test]
fn log() {
    let config = || Config {
        dir: "/wal".into(),
        segment_bytes_max: 2_000,
        ahead_bytes: 300,
    };
    let fs = SimFs::new(1);
    let open = |fs: &SimFs| {
        Wal::open(Arc::new(fs.clone()), config(), Position(0), &mut |_, _| {
            Ok(())
        })
    };
    let (mut wal, _) = open(&fs).unwrap();
    for body in [&b"one"[..], &[0; 300], b"three"] {
        let entry = Entry {
            received_at: 1,
            project: 0,
            key: 0,
            door: 1,
            content_type: 1,
            encoding: WalEncoding::Identity,
            body: Bytes::copy_from_slice(body),
        };
        wal.append(&[entry]).unwrap();
    }
    let path = fs.list("/wal".as_ref()).unwrap().pop().unwrap();
    let seeds = [fs.read(&path).unwrap().to_vec()];
    fuzz("segments of the log", &seeds, |bytes| {
        let fs = SimFs::new(1);
        fs.create_dir_all("/wal".as_ref()).unwrap();
        fs.create(&path).unwrap().append(bytes).unwrap();
        // A segment that says it is of a newer format is refused by name.
        if let Ok((mut wal, _)) = open(&fs) {
            _ = wal.append(&[]);
        }
    });
}

/// What answers questions about a few spans.
fn some_spans(runtime: &Runtime) -> (TempDir, Arc<Engine>) {
    let (home, fs) = (home(), SimFs::new(1));
    let process = InProcess::open(home.path(), &fs, local_store(&fs), AtStart::CheckParts);
    let process = runtime.block_on(process).unwrap();
    runtime.block_on(process.send(&[1, 2, 3])).unwrap();
    let engine = process.engine(Duration::from_secs(1));
    (home, Arc::new(engine))
}

#[test]
fn sql() {
    let runtime = runtime();
    let (_home, engine) = some_spans(&runtime);
    let seeds = [
        "SELECT count(*), avg(duration_ns) FROM spans WHERE service.name = 'rig' GROUP BY name ORDER BY 1 DESC LIMIT 5",
        "WITH a AS (SELECT number n FROM spans) SELECT x.n + 1, \"a b\" FROM a x JOIN a y ON x.n = y.n -- end",
        "SELECT percentile(duration_ns, 0.9), CAST(number AS TEXT) || $$x$$ FROM spans WHERE time > now() - INTERVAL '1 day'",
        "SELECT * FROM (VALUES (1, 'a''b'), (2, E'\\n')) AS t(a, b) UNION ALL SELECT 1, NULL",
    ];
    let seeds = seeds.map(|sql| sql.as_bytes().to_vec());
    fuzz("SQL", &seeds, |bytes| {
        let sql = String::from_utf8_lossy(bytes);
        let (engine, sql) = (Arc::clone(&engine), sql.into_owned());
        // On a thread of the runtime, which has the stack that plans take.
        let asked = runtime.spawn(async move { engine.sql(&sql).await.map(|_| ()) });
        if let Err(error) = runtime.block_on(asked).unwrap() {
            assert!(!is_panic(&error), "{error:?}");
        }
    });
}

/// A panic in a plan's task, or in a task of that, ends the answer alone.
fn is_panic(error: &Error) -> bool {
    match error {
        Error::Broken => true,
        Error::Run { source } => source.to_string().contains("panic"),
        _ => false,
    }
}

#[test]
fn questions() {
    let seeds = [
        r#"{"from":"spans","calculate":["count","p99(duration_ns)"],"group_by":["service.name"],"granularity":"10s","last":"1h"}"#,
        r#"{"where":[["user.id","=","x"],["duration_ns",">",5]],"having":[["count",">",1]],"order_by":["-count"],"limit":3}"#,
    ];
    let seeds = seeds.map(|question| question.as_bytes().to_vec());
    let runtime = runtime();
    let (_home, engine) = some_spans(&runtime);
    fuzz("questions", &seeds, |bytes| {
        if let Ok(question) = serde_json::from_slice::<QueryRequest>(bytes) {
            let engine = Arc::clone(&engine);
            let now = UnixNanos(1_700_000_000_000_000_000);
            let asked =
                runtime.spawn(async move { engine.query(&question, now).await.map(|_| ()) });
            if let Err(error) = runtime.block_on(asked).unwrap() {
                assert!(!is_panic(&error), "{error:?}");
            }
        }
    });
}
