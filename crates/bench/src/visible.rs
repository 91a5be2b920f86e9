//! How long an acknowledged request takes until a question finds it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::corpus::{Corpus, Shape};
use crate::http::Connection;
use crate::load;
use crate::server::Server;

/// Traces that are waited for.
const TRACES: usize = 50;
const WAIT_MAX: Duration = Duration::from_secs(10);

/// From the acknowledgement of each request to the answer that has a trace of it, the fastest first. The corpus is one that
/// was not sent yet.
pub fn run(server: &Server, seed: u64) -> Result<Vec<Duration>> {
    let mut corpus = Corpus::new(seed, Shape::Trace, u64::MAX);
    let mut sending = Connection::open(&server.otlp_http)?;
    let mut asking = Connection::open(&server.http)?;
    let mut waits = Vec::new();
    while waits.len() < TRACES {
        let request = corpus.next().context("the corpus has an end")?;
        let mut told = load::Load::default();
        load::send_now(&mut sending, request, &mut told)?;
        let acknowledged = Instant::now();
        ensure!(told.spans_lost == 0, "a request was refused");
        // One request of eight has a trace that is known.
        let Some(sample) = corpus.samples.pop() else {
            continue;
        };
        let path = format!("/api/v1/traces/{}", sample.trace_id);
        while asking.get(&path)?.status == 404 {
            let waited = acknowledged.elapsed();
            ensure!(waited < WAIT_MAX, "{path} is not there after {waited:?}");
        }
        waits.push(acknowledged.elapsed());
    }
    waits.sort();
    Ok(waits)
}
