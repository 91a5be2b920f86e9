//! The corpus: encoded OTLP trace requests, by seed and shape, whose times are filled in when they are sent.
//! Byte for byte the corpus that the peers were measured with.

use std::collections::VecDeque;

use clap::ValueEnum;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::draws::Draws;
use crate::shop::{self, SERVICES};
use crate::trace;

#[cfg(test)]
mod tests;

/// Times in an encoded body are this plus an offset, so that they can be found and moved.
const EPOCH: u64 = 0x7EAD_BE00_0000_0000;
const TRACES_PER_ROUND: u64 = 25;
const SPANS_PER_EXPORT: usize = 512;

/// How spans are put together into requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// One service's spans, 512 at a time, as SDK exporters send: a trace arrives in pieces.
    Sdk,
    /// Whole traces of all services, 25 at a time: kind to a store that sorts by trace.
    Trace,
}

/// An encoded `ExportTraceServiceRequest`.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub body: Vec<u8>,
    pub spans: u32,
    /// Where in the body the times are: 8 bytes each, little-endian.
    pub times: Vec<u32>,
}

/// A trace to ask for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Lower-case hex.
    pub trace_id: String,
    pub spans: usize,
    pub user: String,
}

/// Makes requests until `spans_wanted` spans are made; the last round is not cut short.
pub struct Corpus {
    draws: Draws,
    shape: Shape,
    spans_wanted: u64,
    pub spans: u64,
    pub samples: Vec<Sample>,
    rounds: u64,
    /// Spans by service that do not fill a request yet.
    waiting: [Vec<Span>; SERVICES.len()],
    ready: VecDeque<Request>,
}

impl Corpus {
    pub fn new(seed: u64, shape: Shape, spans_wanted: u64) -> Self {
        Self {
            draws: Draws::seeded(seed),
            shape,
            spans_wanted,
            spans: 0,
            samples: Vec::new(),
            rounds: 0,
            waiting: Default::default(),
            ready: VecDeque::new(),
        }
    }

    /// One second's worth of traces, and the requests that they complete.
    fn round(&mut self) {
        for index in 0..TRACES_PER_ROUND {
            let slot = index * (1_000_000_000 / TRACES_PER_ROUND);
            let start = EPOCH + 1_000_000 + slot + self.draws.below(20_000_000);
            let trace = trace::draw(&mut self.draws, start);
            self.spans += trace.spans.len() as u64;
            if index == 0 && self.rounds % 8 == 3 {
                self.samples.push(Sample {
                    trace_id: trace.id.iter().map(|byte| format!("{byte:02x}")).collect(),
                    spans: trace.spans.len(),
                    user: trace.user,
                });
            }
            for (service, span) in trace.spans {
                self.waiting[service].push(span);
            }
        }
        self.rounds += 1;
        let instance = self.draws.below(3);
        match self.shape {
            Shape::Trace => {
                let all = std::mem::take(&mut self.waiting);
                let parts = all.into_iter().enumerate();
                let parts = parts.filter(|(_, spans)| !spans.is_empty()).collect();
                self.ready.push_back(encode(parts, instance));
            }
            Shape::Sdk => self.export(instance),
        }
    }

    /// Every full export, and at the end of the corpus what is left.
    fn export(&mut self, instance: u64) {
        let last = self.spans >= self.spans_wanted;
        for (service, waiting) in self.waiting.iter_mut().enumerate() {
            while waiting.len() >= SPANS_PER_EXPORT {
                let spans = waiting.drain(..SPANS_PER_EXPORT).collect();
                self.ready
                    .push_back(encode(vec![(service, spans)], instance));
            }
        }
        for (service, waiting) in self.waiting.iter_mut().enumerate() {
            if last && !waiting.is_empty() {
                let spans = std::mem::take(waiting);
                self.ready
                    .push_back(encode(vec![(service, spans)], instance));
            }
        }
    }
}

impl Iterator for Corpus {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        while self.ready.is_empty() && self.spans < self.spans_wanted {
            self.round();
        }
        self.ready.pop_front()
    }
}

impl Request {
    /// Moves all times so that the request's second begins at `start` (Unix nanoseconds).
    /// Works once: afterwards the times no longer count from the corpus's epoch.
    pub fn start_at(&mut self, start: u64) {
        for at in &self.times {
            let at = *at as usize;
            let field = &mut self.body[at..at + 8];
            let time = u64::from_le_bytes(field.try_into().expect("the slice has 8 bytes"));
            field.copy_from_slice(&(time - EPOCH + start).to_le_bytes());
        }
    }
}

fn encode(parts: Vec<(usize, Vec<Span>)>, instance: u64) -> Request {
    let spans = parts.iter().map(|(_, spans)| spans.len() as u32).sum();
    let resource_spans = parts.into_iter().map(|(service, spans)| ResourceSpans {
        resource: Some(shop::resource(service, instance)),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: format!("io.opentelemetry.{}", SERVICES[service].language),
                version: "2.1.0".to_owned(),
                ..InstrumentationScope::default()
            }),
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    let request = ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    };
    let body = request.encode_to_vec();
    let times = time_positions(&request, &body);
    Request { body, spans, times }
}

/// Where each span's start (7), end (8) and events' times (1) are, one after the other. By their own eight bytes: those
/// that all times share turn up in ids now and then, once in some millions of spans.
fn time_positions(request: &ExportTraceServiceRequest, body: &[u8]) -> Vec<u32> {
    const FIXED64: u32 = 1;
    let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
    let times = scopes.flat_map(|of| &of.spans).flat_map(|span| {
        let own = [(7, span.start_time_unix_nano), (8, span.end_time_unix_nano)];
        let events = span.events.iter().map(|event| (1, event.time_unix_nano));
        own.into_iter().chain(events)
    });
    let mut at = 0;
    let positions = times.map(|(number, time)| {
        let mut field = [(number << 3 | FIXED64) as u8; 9];
        field[1..].copy_from_slice(&time.to_le_bytes());
        let mut fields = body[at..].windows(9);
        at += fields
            .position(|bytes| bytes == field)
            .expect("a time is in the body")
            + 1;
        at as u32
    });
    positions.collect()
}
