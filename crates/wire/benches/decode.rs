//! What decoding costs: CPU-seconds per million spans of a corpus that `crawlspace-bench corpus FILE` has written.
//!
//! `cargo bench -p crawlspace-wire --features reference -- FILE` has the slow way beside it.
#![expect(clippy::print_stdout, reason = "its output is for people")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that can't run has nothing to save"
)]

use std::fs;
use std::hint::black_box;

use crawlspace_model::{Signal, UnixNanos};
use crawlspace_wire::Decoded;
use crawlspace_wire::otlp::{self, ContentType};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Of each way, of which the fastest counts: the machine has other work, too.
const ROUNDS: usize = 7;

const RECEIVED_AT: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

struct Request {
    body: Vec<u8>,
    spans: u32,
}

type Decode = fn(&[u8]) -> Decoded;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.find(|argument| !argument.starts_with("--"));
    let file = file.expect("name a file that `crawlspace-bench corpus` has written");
    let requests = read(&fs::read(file).unwrap());
    let spans: u32 = requests.iter().map(|request| request.spans).sum();
    println!("{} requests, {spans} spans", requests.len());
    let ways: &[(&str, Decode)] = &[
        ("one pass", decode),
        #[cfg(feature = "reference")]
        ("by structs", decode_by_structs),
    ];
    let mut best = vec![u64::MAX; ways.len()];
    for _ in 0..ROUNDS {
        for (best, (_, decode)) in best.iter_mut().zip(ways) {
            *best = round(&requests, *decode).min(*best);
        }
    }
    for (best, (name, _)) in best.into_iter().zip(ways) {
        let seconds = best as f64 / 1e3 / f64::from(spans);
        println!("{name}: {seconds:.2} CPU-s per million spans");
    }
}

fn decode(body: &[u8]) -> Decoded {
    otlp::decode(Signal::Traces, ContentType::Protobuf, body, RECEIVED_AT).unwrap()
}

#[cfg(feature = "reference")]
fn decode_by_structs(body: &[u8]) -> Decoded {
    otlp::reference::decode(Signal::Traces, body, RECEIVED_AT).unwrap()
}

/// The nanoseconds that the processor takes to decode all requests.
fn round(requests: &[Request], decode: Decode) -> u64 {
    let before = cpu_nanos();
    for Request { body, .. } in requests {
        black_box(decode(body));
    }
    cpu_nanos() - before
}

/// Of this thread, as Linux counts it.
fn cpu_nanos() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// The requests of a corpus file: lengths of times, body and spans, then the times' places and the body.
fn read(mut bytes: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let [times, body, spans] = [(); 3].map(|()| {
            let (number, rest) = bytes.split_first_chunk().unwrap();
            bytes = rest;
            u32::from_le_bytes(*number)
        });
        bytes = &bytes[times as usize * 4..];
        let (body, rest) = bytes.split_at(body as usize);
        requests.push(Request {
            body: body.to_vec(),
            spans,
        });
        bytes = rest;
    }
    requests
}
