//! Sends a corpus to OTLP/HTTP over several connections, as fast as they are answered.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::corpus::Request;
use crate::corpus_file::CorpusFile;
use crate::http::{Answer, Connection};

/// Spans of a request start this long before it is sent, and within a second.
const AGE: Duration = Duration::from_secs(2);
const TRIES_MAX: usize = 200;
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What was sent and how it was answered.
#[derive(Debug, Default)]
pub struct Load {
    pub spans: u64,
    /// Of the bodies before compression.
    pub bytes: u64,
    pub wall: Duration,
    /// No span starts before this (Unix nanoseconds).
    pub first_nanos: u64,
    /// Few spans start after this: those deep in long traces (Unix nanoseconds).
    pub last_nanos: u64,
    /// By answer; a refused request that is accepted later counts here too.
    pub refusals: BTreeMap<String, u64>,
    /// Spans that were given up or rejected in an otherwise good request.
    pub spans_lost: u64,
    /// Of accepted requests.
    pub latencies: Vec<Duration>,
}

impl Load {
    fn add(&mut self, other: Self) {
        self.spans += other.spans;
        self.bytes += other.bytes;
        self.spans_lost += other.spans_lost;
        self.latencies.extend(other.latencies);
        for (reason, count) in other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
    }
}

/// Sends all of `corpus` to `address` (`host:port`).
pub fn run(address: &str, corpus: CorpusFile, connections: usize, gzip: bool) -> Result<Load> {
    let corpus = Mutex::new(corpus);
    let began = Instant::now();
    let mut total = Load {
        first_nanos: start_nanos()?,
        ..Load::default()
    };
    std::thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| send_all(address, &corpus, gzip)))
            .collect();
        for sender in senders {
            total.add(sender.join().expect("a sender does not panic")?);
        }
        Ok(())
    })?;
    total.wall = began.elapsed();
    total.last_nanos = start_nanos()? + AGE.as_nanos() as u64;
    total.latencies.sort();
    Ok(total)
}

/// What one connection does.
fn send_all(address: &str, corpus: &Mutex<CorpusFile>, gzip: bool) -> Result<Load> {
    let mut connection = Connection::open(address)?;
    let mut load = Load::default();
    loop {
        let next = corpus.lock().expect("no sender panics").read()?;
        let Some(mut request) = next else {
            return Ok(load);
        };
        request.start_at(start_nanos()?);
        send(&mut connection, &request, gzip, &mut load)?;
    }
}

/// One request, as if it had just happened.
pub fn send_now(connection: &mut Connection, mut request: Request, load: &mut Load) -> Result<()> {
    request.start_at(start_nanos()?);
    send(connection, &request, false, load)
}

/// One request, again and again while the server says that it is busy.
fn send(connection: &mut Connection, request: &Request, gzip: bool, load: &mut Load) -> Result<()> {
    let mut headers = "Content-Type: application/x-protobuf\r\n".to_owned();
    let mut compressed = Vec::new();
    if gzip {
        headers.push_str("Content-Encoding: gzip\r\n");
        let mut encoder = GzEncoder::new(&mut compressed, Compression::default());
        encoder.write_all(&request.body)?;
        encoder.finish()?;
    }
    let body = if gzip { &compressed } else { &request.body };
    for _ in 0..TRIES_MAX {
        let began = Instant::now();
        let answer = connection.post("/v1/traces", &headers, body)?;
        if answer.status / 100 == 2 {
            let rejected = rejected_spans(&answer)?.min(u64::from(request.spans));
            load.latencies.push(began.elapsed());
            load.spans += u64::from(request.spans) - rejected;
            load.spans_lost += rejected;
            load.bytes += request.body.len() as u64;
            return Ok(());
        }
        let text: String = String::from_utf8_lossy(&answer.body)
            .chars()
            .take(160)
            .collect();
        let reason = format!("{} {text}", answer.status);
        *load.refusals.entry(reason).or_default() += 1;
        if !matches!(answer.status, 429 | 503) {
            break;
        }
        std::thread::sleep(RETRY_PAUSE);
    }
    load.spans_lost += u64::from(request.spans);
    Ok(())
}

fn rejected_spans(answer: &Answer) -> Result<u64> {
    let response = ExportTraceServiceResponse::decode(answer.body.as_slice())
        .context("the answer is not OTLP")?;
    let rejected = response
        .partial_success
        .map_or(0, |partial| partial.rejected_spans);
    Ok(u64::try_from(rejected)?)
}

/// When a request sent now starts, in Unix nanoseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the corpus is sent as if it had just happened"
)]
pub fn start_nanos() -> Result<u64> {
    let start = SystemTime::now() - AGE;
    Ok(start.duration_since(UNIX_EPOCH)?.as_nanos() as u64)
}

#[cfg(test)]
mod tests;
