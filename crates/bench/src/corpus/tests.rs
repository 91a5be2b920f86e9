//! The corpus against the one that the peers were measured with: counts and checksums of its own generator's output.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::{Corpus, EPOCH, Request, Shape, encode};

/// FNV-1a, 64 bits.
fn checksum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn check(shape: Shape, requests_expected: usize, bodies_expected: u64, times_expected: u64) {
    let mut corpus = Corpus::new(1, shape, 5_000);
    let requests: Vec<Request> = corpus.by_ref().collect();
    let times = requests.iter().flat_map(|request| &request.times);
    let times_sum = times.fold(0u64, |sum, at| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*at))
    });

    assert_eq!(requests.len(), requests_expected);
    assert_eq!(corpus.spans, 5_055);
    assert_eq!(
        requests.iter().map(|request| request.spans).sum::<u32>(),
        5_055
    );
    assert_eq!(
        checksum(requests.iter().flat_map(|request| &request.body)),
        bodies_expected
    );
    assert_eq!(times_sum, times_expected);
    let samples: Vec<(&str, usize)> = corpus
        .samples
        .iter()
        .map(|sample| (sample.trace_id.as_str(), sample.spans))
        .collect();
    let expected = [
        ("4e35869205f53dea00ff92c72d3e3b60", 9),
        ("f336b3b42fb5703e5e269d7f4723bc8c", 7),
    ];
    assert_eq!(samples, expected);
}

#[test]
fn whole_trace_requests_are_the_peers_corpus() {
    check(
        Shape::Trace,
        17,
        0x2a02_5745_ec05_0708,
        0xb8b6_31b6_f68b_447a,
    );
}

#[test]
fn sdk_requests_are_the_peers_corpus() {
    check(Shape::Sdk, 14, 0x96fc_60c6_f427_0ba7, 0x1a54_36b9_4344_f085);
}

#[test]
fn an_id_that_looks_like_a_time_stays() {
    let start = EPOCH + 1_000_000;
    let mut look_alike = vec![0x09];
    look_alike.extend((start + 1).to_le_bytes());
    look_alike.resize(16, 0);
    let span = Span {
        trace_id: look_alike.clone(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 2,
        ..Span::default()
    };
    let mut request = encode(vec![(0, vec![span])], 0);
    request.start_at(1_700_000_000_000_000_000);
    let decoded = ExportTraceServiceRequest::decode(&request.body[..]).unwrap();
    let span = &decoded.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.trace_id, look_alike);
    assert_eq!(span.end_time_unix_nano, 1_700_000_000_001_000_002);
}

#[test]
fn starting_a_request_moves_every_time() {
    let start = 1_700_000_000_000_000_000;
    let mut request = Corpus::new(1, Shape::Sdk, 1_000).next().unwrap();
    request.start_at(start);
    let decoded = ExportTraceServiceRequest::decode(&request.body[..]).unwrap();
    let spans = &decoded.resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.len(), request.spans as usize);
    for span in spans {
        let mut times = vec![span.start_time_unix_nano, span.end_time_unix_nano];
        times.extend(span.events.iter().map(|event| event.time_unix_nano));
        assert!(
            times
                .iter()
                .all(|time| (start..start + 100_000_000_000).contains(time))
        );
    }
}
