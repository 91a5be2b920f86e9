//! The corpus of the further questions: sampled traces whose spans come late and in two parts, some without their root or
//! their parent; counters that start anew, and histograms. Once as requests and batches, once as rows for `DuckDB`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use arrow::array::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value as Attribute;
use crawlspace_wire::batch::{Cell, TableBuilder};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::otlp::{attribute, encode, resource_spans, text};

pub const TRACES: u128 = 400;
/// 2026-11-22T08:00:00Z.
pub const START_NS: i64 = 1_795_334_400_000_000_000;
pub const MINUTE_NS: i64 = 60_000_000_000;
const RANGE_NS: i64 = 120 * MINUTE_NS;
const SERVICES: [&str; 3] = ["shop", "pay", "mail"];
/// Each with its W3C threshold: all are kept, a half, a quarter.
const WEIGHTS: [(f64, &str); 3] = [(1.0, ""), (2.0, "ot=th:8"), (4.0, "ot=th:c")];

/// Spans as two requests, and their rows in `sampled.ndjson` and `failures.ndjson`.
pub fn spans(directory: &Path) -> [Vec<u8>; 2] {
    let mut random = StdRng::seed_from_u64(7);
    let file = |name: &str| File::create(directory.join(name)).unwrap();
    let (mut rows, mut failures) = (file("sampled.ndjson"), file("failures.ndjson"));
    let mut halves: [Vec<(usize, Span)>; 2] = Default::default();
    for trace in 1..=TRACES {
        let (weight, state) = *WEIGHTS.choose(&mut random).unwrap();
        let start = START_NS + random.random_range(0..RANGE_NS);
        // Some roots, and some parents further down, never come.
        let missing = [0, 2, 9][random.random_range(0..3) * usize::from(trace % 9 == 0)];
        for number in 0..5_u64 {
            let id = u64::try_from(trace).unwrap() * 8 + number + 1;
            let parent = (number > 0).then(|| id - random.random_range(1..=number));
            let service = random.random_range(0..SERVICES.len());
            let at = start + i64::try_from(number).unwrap() * 1_000 + random.random_range(0..900);
            let duration = random.random_range(1_i64..30).pow(5);
            let is_error = random.random_bool(0.1);
            let size = random
                .random_bool(0.5)
                .then(|| f64::from(random.random_range(1..400)) / 8.0);
            let route = (number == 0).then(|| format!("/r{}", trace % 7));
            let half = usize::from(random.random_bool(0.5));
            if number == missing && trace % 9 == 0 {
                continue;
            }
            let hex = |id: u64| format!("{id:016x}");
            let status = if is_error { "error" } else { "unset" };
            let row = json!({
                "time_ns": at, "trace_id": format!("{trace:032x}"), "span_id": hex(id), "parent_span_id": parent.map(hex),
                "name": format!("op-{number}"), "service": SERVICES[service], "status": status,
                "duration": duration, "weight": weight, "size": size, "route": route,
            });
            writeln!(rows, "{row}").unwrap();
            let mut attributes = Vec::new();
            attributes.extend(size.map(|size| attribute("size", Otlp::DoubleValue(size))));
            attributes.extend(route.map(|route| attribute("http.route", text(route))));
            let mut events = Vec::new();
            if is_error {
                let of = ["Timeout", "Refused"][usize::from(number % 2 == 0)];
                writeln!(failures, "{}", json!({"span_id": hex(id), "of": of})).unwrap();
                events.push(Event {
                    time_unix_nano: at.unsigned_abs(),
                    name: "exception".to_owned(),
                    attributes: vec![attribute("exception.type", text(of))],
                    ..Event::default()
                });
            }
            let span = Span {
                trace_id: trace.to_be_bytes().to_vec(),
                span_id: id.to_be_bytes().to_vec(),
                parent_span_id: parent
                    .map(|id| id.to_be_bytes().to_vec())
                    .unwrap_or_default(),
                trace_state: state.to_owned(),
                name: format!("op-{number}"),
                kind: 2,
                start_time_unix_nano: at.unsigned_abs(),
                end_time_unix_nano: (at + duration).unsigned_abs(),
                status: is_error.then(|| Status {
                    code: 2,
                    ..Status::default()
                }),
                attributes,
                events,
                ..Span::default()
            };
            halves[half].push((service, span));
        }
    }
    halves.map(|spans| {
        let of = |service: usize| {
            let of = spans.iter().filter(|(of, _)| *of == service);
            resource_spans(
                SERVICES[service],
                of.map(|(_, span)| span.clone()).collect(),
            )
        };
        encode((0..SERVICES.len()).map(of).collect())
    })
}

/// Points of metrics, and their rows in `points.ndjson`: a counter and a histogram every minute for each of three hosts,
/// cumulative but for the last host, whose points are deltas. The first one starts anew halfway.
pub fn metrics(directory: &Path) -> RecordBatch {
    let mut random = StdRng::seed_from_u64(8);
    let mut rows = File::create(directory.join("points.ndjson")).unwrap();
    let mut builder = TableBuilder::new(Table::Metrics);
    for host in 0..3_i64 {
        let is_delta = host == 2;
        let mut total = 0_i64;
        let mut counts = [[0_u64; 5]; 2];
        let mut start = START_NS - 5 * MINUTE_NS;
        for minute in 0..120_i64 {
            let time = START_NS + minute * MINUTE_NS + host;
            if is_delta || (host == 0 && minute == 60) {
                (total, counts) = (0, Default::default());
                start = time - MINUTE_NS / 2;
            }
            total += random.random_range(0..50);
            for count in counts.iter_mut().flatten() {
                *count += random.random_range(0..9_u64);
            }
            let [explicit, exponential] = counts;
            let row = json!({
                "time_ns": time, "host": format!("host-{host}"), "delta": is_delta, "value": total,
                "counts": explicit, "powers": exponential, "restart": host == 0 && minute == 60,
            });
            writeln!(rows, "{row}").unwrap();
            for kind in ["requests", "latency", "sizes"] {
                builder.set("time", Cell::Time(time));
                builder.set("received_at", Cell::Time(time));
                builder.set("start_time", Cell::Time(start));
                builder.set("name", Cell::Text(kind));
                builder.set(
                    "kind",
                    Cell::Text(match kind {
                        "requests" => "sum",
                        "latency" => "histogram",
                        _ => "exponential_histogram",
                    }),
                );
                builder.set(
                    "temporality",
                    Cell::Text(if is_delta { "delta" } else { "cumulative" }),
                );
                match kind {
                    "requests" => {
                        builder.set("monotonic", Cell::Bool(true));
                        builder.set("value", Cell::Double(total as f64));
                    }
                    "latency" => {
                        builder.set("count", Cell::Unsigned(explicit.iter().sum()));
                        builder.set("bounds", Cell::Doubles(&[1.0, 5.0, 20.0, 100.0]));
                        builder.set("bucket_counts", Cell::UnsignedList(&explicit));
                    }
                    _ => {
                        builder.set("count", Cell::Unsigned(exponential.iter().sum()));
                        builder.set("scale", Cell::Int32(0));
                        builder.set("zero_count", Cell::Unsigned(0));
                        builder.set("positive_offset", Cell::Int32(0));
                        builder.set("positive_counts", Cell::UnsignedList(&exponential));
                    }
                }
                builder.set("sample_weight", Cell::Double(1.0));
                let host = format!("host-{host}");
                builder.attribute("host.name", &Attribute::String(&host));
                builder.end_row();
            }
        }
    }
    builder.finish()
}
