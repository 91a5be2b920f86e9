//! Loading against a server of a few lines that refuses, rejects and accepts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use super::{Load, run};
use crate::corpus::{Corpus, Shape};
use crate::corpus_file::{self, CorpusFile};

/// Reads one request; its spans.
fn read_request(stream: &mut impl BufRead) -> Option<usize> {
    let (mut length, mut gzip) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("content-encoding", value)) => gzip = value == "gzip",
            None if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    if gzip {
        let compressed = std::mem::take(&mut body);
        GzDecoder::new(&compressed[..])
            .read_to_end(&mut body)
            .unwrap();
    }
    let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let resources = request.resource_spans.iter();
    (length > 0).then(|| resources.map(|part| part.scope_spans[0].spans.len()).sum())
}

/// Loads a small corpus (17 requests) into a server that answers with `statuses` in turn, then with 200;
/// each good answer says that `rejected` spans were. The load, and the spans that arrived in good requests.
fn check(name: &str, gzip: bool, statuses: &[u16], rejected: i64) -> (Load, u64) {
    let path = std::env::temp_dir().join(format!("load-{name}-{}", std::process::id()));
    corpus_file::write(&path, Corpus::new(1, Shape::Trace, 5_000)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let result = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let mut statuses = statuses.iter();
            let mut spans = 0;
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            while !stream.fill_buf().unwrap().is_empty() {
                let arrived = read_request(&mut stream).unwrap() as u64;
                let status = statuses.next().copied().unwrap_or(200);
                spans += if status == 200 { arrived } else { 0 };
                let partial = ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: String::new(),
                };
                let body = ExportTraceServiceResponse {
                    partial_success: (rejected > 0).then_some(partial),
                }
                .encode_to_vec();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                stream.get_mut().write_all(head.as_bytes()).unwrap();
                stream.get_mut().write_all(&body).unwrap();
            }
            spans
        });
        let load = run(&address, CorpusFile::open(&path).unwrap(), 1, gzip).unwrap();
        (load, server.join().unwrap())
    });
    std::fs::remove_file(&path).unwrap();
    result
}

#[test]
fn every_span_is_sent_once_plain_or_compressed() {
    for (name, gzip) in [("plain", false), ("gzip", true)] {
        let (load, arrived) = check(name, gzip, &[], 0);
        assert_eq!((load.spans, load.spans_lost, arrived), (5_055, 0, 5_055));
        assert_eq!((load.latencies.len(), load.bytes), (17, 3_968_958));
    }
}

#[test]
fn a_busy_server_is_asked_again_and_a_refusal_is_counted() {
    let (load, arrived) = check("busy", false, &[503, 200, 400], 0);
    assert_eq!(load.refusals.values().sum::<u64>(), 2);
    assert_eq!(load.latencies.len(), 16);
    assert_eq!(load.spans, arrived);
    assert_eq!(load.spans + load.spans_lost, 5_055);
    assert!(load.spans_lost > 0);
}

#[test]
fn spans_rejected_in_a_good_request_are_lost() {
    let (load, _) = check("partial", false, &[], 2);
    assert_eq!((load.spans, load.spans_lost), (5_055 - 34, 34));
}
