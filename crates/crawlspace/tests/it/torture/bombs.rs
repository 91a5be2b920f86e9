//! Bombs: small bodies that become gigabytes, or nests without end. Each is refused as the client's fault, none takes
//! memory to speak of, and the program goes on.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use reqwest::StatusCode;

use super::{Done, amount};
use crate::otlp::{plain_spans, request};
use crate::server::{PROTOBUF, Server, new_data_directory, poll};

/// What each compressed bomb becomes.
const BOMB_BYTES: usize = 10_000_000_000;
/// … piece by piece.
const PIECE_BYTES: usize = 100_000_000;
/// What may be in flight is half of this; buffers that are moved as they grow, and what the allocator gives back later, come
/// on top.
const EXTRA_KIB_MAX: u64 = 256 << 10;
/// Beside other tests the allocator comes late to give memory back.
const EXTRA_KIB_MAX_BESIDE_OTHERS: u64 = 448 << 10;
const NESTED_LEVELS: usize = 100_000;
/// It only ends a test that would never end.
const REFUSED_WITHIN: std::time::Duration = std::time::Duration::from_secs(600);

struct Bomb {
    name: &'static str,
    content_type: &'static str,
    encoding: &'static str,
    body: Vec<u8>,
    answered_with: StatusCode,
}

#[test]
fn bombs_are_refused_and_take_no_memory() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("before", plain_spans(1, 3)));
    let parallel = amount(12, 100);
    let bombs = bombs();
    let before = server.resident_kib();
    let mut extra = 0;
    for bomb in &bombs {
        let peak = throw_all(&server, bomb, parallel);
        let more = peak.saturating_sub(before);
        eprintln!(
            "{}, {parallel} at a time: {} MiB extra",
            bomb.name,
            more >> 10
        );
        extra = extra.max(more);
    }
    let extra_max = amount(EXTRA_KIB_MAX_BESIDE_OTHERS, EXTRA_KIB_MAX);
    assert!(extra <= extra_max, "{extra} KiB extra");
    server.send(request("after", plain_spans(2, 4)));
    assert_eq!(server.number("SELECT count(*) FROM spans"), 7);
    server.stop();
}

/// The most memory in RAM while they are thrown, in KiB.
fn throw_all(server: &Server, bomb: &Bomb, parallel: u64) -> u64 {
    let (peak, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let watch = || {
                peak.fetch_max(server.resident_kib(), Ordering::Relaxed);
                is_done.load(Ordering::Relaxed)
            };
            poll(10 * REFUSED_WITHIN, watch);
        });
        let _done = Done(&is_done);
        std::thread::scope(|scope| {
            for _ in 0..parallel {
                scope.spawn(|| throw(server, bomb));
            }
        });
    });
    peak.into_inner()
}

/// While much is in flight the answer is to come again: whoever does gets the verdict.
fn throw(server: &Server, bomb: &Bomb) {
    let mut last = None;
    let is_answered = poll(REFUSED_WITHIN, || {
        let response = server
            .client()
            .post(server.traces_url())
            .header("content-type", bomb.content_type)
            .header("content-encoding", bomb.encoding)
            .body(bomb.body.clone())
            .send()
            .unwrap();
        last = Some(response.status());
        last == Some(bomb.answered_with)
    });
    assert!(is_answered, "{}: {last:?}", bomb.name);
}

fn bombs() -> Vec<Bomb> {
    let compressed = |name, encoding, body| Bomb {
        name,
        content_type: PROTOBUF,
        encoding,
        body,
        answered_with: StatusCode::PAYLOAD_TOO_LARGE,
    };
    let nested = |name, content_type, body| Bomb {
        name,
        content_type,
        encoding: "identity",
        body,
        answered_with: StatusCode::BAD_REQUEST,
    };
    let pieces = BOMB_BYTES / PIECE_BYTES;
    let gzip_member = gzip_of(&vec![0; PIECE_BYTES]);
    let zstd_frame = zstd::encode_all(&*vec![0; PIECE_BYTES], 1).unwrap();
    let many_small = gzip_of(&[0; 1_000]).repeat(100_000);
    let twice = Bomb {
        // One layer is taken off; what is in it is no message.
        answered_with: StatusCode::BAD_REQUEST,
        ..compressed("gzip in gzip", "gzip", gzip_of(&gzip_member))
    };
    vec![
        compressed("gzip", "gzip", gzip_member.repeat(pieces)),
        Bomb {
            // The members are too many, before the bytes are.
            answered_with: StatusCode::BAD_REQUEST,
            ..compressed("gzip, many members", "gzip", many_small)
        },
        compressed("zstd", "zstd", zstd_frame.repeat(pieces)),
        compressed("zlib", "deflate", endless_deflate(pieces)),
        twice,
        nested("nested protobuf", PROTOBUF, nested_protobuf()),
        Bomb {
            // A record that nests too deep is refused alone; this request has no other.
            answered_with: StatusCode::OK,
            ..nested("nested JSON", "application/json", nested_json())
        },
    ]
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A stream of equal pieces: after a full flush a piece does not depend on those before it. Its end is never reached.
fn endless_deflate(pieces: usize) -> Vec<u8> {
    let zeros = vec![0; PIECE_BYTES];
    let mut compress = Compress::new(Compression::best(), true);
    let piece = |compress: &mut Compress| {
        let mut piece = Vec::with_capacity(PIECE_BYTES / 100);
        compress
            .compress_vec(&zeros, &mut piece, FlushCompress::Full)
            .unwrap();
        piece
    };
    let first = piece(&mut compress);
    let further = piece(&mut compress);
    [first, further.repeat(pieces - 1)].concat()
}

/// Lists in lists, from the inside: field 1 of the list, field 5 of the value.
fn nested_protobuf() -> Vec<u8> {
    let mut message = Vec::new();
    let wrap = |message: &mut Vec<u8>, field: u8| {
        let mut length = message.len();
        let mut head = vec![field << 3 | 2];
        while length >= 0x80 {
            head.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        head.push(u8::try_from(length).unwrap());
        head.append(message);
        *message = head;
    };
    // Each level copies what is in it, so that it is not the whole depth at once.
    for _ in 0..NESTED_LEVELS / 20 {
        wrap(&mut message, 1);
        wrap(&mut message, 5);
    }
    // Value of an attribute of a resource.
    for field in [2, 1, 1, 1] {
        wrap(&mut message, field);
    }
    message
}

fn nested_json() -> Vec<u8> {
    let open = r#"{"arrayValue":{"values":["#.repeat(NESTED_LEVELS);
    let close = "]}}".repeat(NESTED_LEVELS);
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{open}{{}}{close}}}]}}}}]}}"#
    )
    .into_bytes()
}
