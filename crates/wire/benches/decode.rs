//! What decoding costs: CPU-seconds per million spans of a corpus that `crawlspace-bench corpus FILE` has written.
//!
//! `cargo bench -p crawlspace-wire -- FILE`
#![expect(clippy::print_stdout, reason = "its output is for people")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that can't run has nothing to save"
)]

use std::fs;
use std::hint::black_box;

use crawlspace_model::{Signal, UnixNanos};
use crawlspace_wire::otlp::{self, ContentType};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of each way, of which the fastest counts: the machine has other work, too.
const ROUNDS: usize = 7;

struct Request {
    body: Vec<u8>,
    spans: u32,
}

fn main() {
    let file = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let file =
        file.unwrap_or_else(|| panic!("name a file that `crawlspace-bench corpus` has written"));
    let requests = read(&fs::read(file).unwrap());
    let spans: u32 = requests.iter().map(|request| request.spans).sum();
    println!("{} requests, {spans} spans", requests.len());
    let best = (0..ROUNDS).map(|_| round(&requests)).min().unwrap();
    println!(
        "{:.2} CPU-s per million spans",
        best as f64 / 1e3 / f64::from(spans)
    );
}

/// The nanoseconds that the processor takes to decode all requests.
fn round(requests: &[Request]) -> u64 {
    let before = cpu_nanos();
    for Request { body, .. } in requests {
        let received_at = UnixNanos(1_700_000_000_000_000_000);
        black_box(otlp::decode(Signal::Traces, ContentType::Protobuf, body, received_at).unwrap());
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
