//! The corpus of the questions: spans from a seed, once as OTLP requests and once, independently of
//! all of Crawlspace, as rows for `DuckDB`. Has nulls, unicode, hundreds of keys, ids that hardly
//! repeat, and one key whose values change their type.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use crate::otlp::{attribute, encode, text};

pub const SPANS: u64 = 100_000;
/// 2026-11-22T08:00:00Z.
const START_NS: u64 = 1_795_334_400_000_000_000;
const RANGE_NS: u64 = 2 * 3_600_000_000_000;

/// Keys that few spans have; their type goes round by their number.
const LATE_KEYS: u64 = 290;
const SPANS_PER_REQUEST: u64 = 500;

const SERVICES: [&str; 6] = ["cart", "checkout", "gateway", "ledger", "search", "żółw"];
const CITIES: [&str; 6] = [
    "Zürich",
    "東京",
    "Москва",
    "São Paulo",
    "🚀 Base",
    "Springfield",
];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];
const EXCEPTIONS: [&str; 3] = ["IOError", "TimeoutError", "ошибка"];

/// One key's type, as `DuckDB` names it.
fn late_key_type(key: u64) -> &'static str {
    ["VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"][usize::try_from(key % 4).unwrap()]
}

/// The columns of the rows beside the fixed ones: name and `DuckDB` type.
pub fn attribute_columns() -> Vec<(String, &'static str)> {
    let named = [
        ("http.request.method", "VARCHAR"),
        ("http.response.status_code", "BIGINT"),
        ("tenant.id", "VARCHAR"),
        ("user.id", "VARCHAR"),
        ("request.id", "VARCHAR"),
        ("cart.value", "DOUBLE"),
        ("cache.hit", "BOOLEAN"),
        ("big.number", "BIGINT"),
        ("city", "VARCHAR"),
        ("mixed", "VARCHAR"),
        ("host.name", "VARCHAR"),
    ];
    let late = (0..LATE_KEYS).map(|key| (format!("late.key.{key}"), late_key_type(key)));
    named
        .iter()
        .map(|(name, of)| ((*name).to_owned(), *of))
        .chain(late)
        .collect()
}

pub struct Corpus {
    /// In the order to send them.
    pub requests: Vec<Vec<u8>>,
    /// A trace of several spans.
    pub trace_id: String,
}

/// Makes the corpus; its rows go to `spans.ndjson` and `logs.ndjson` in `directory`.
pub fn generate(seed: u64, directory: &Path) -> Corpus {
    let mut maker = Maker {
        random: StdRng::seed_from_u64(seed),
        spans: BufWriter::new(File::create(directory.join("spans.ndjson")).unwrap()),
        logs: BufWriter::new(File::create(directory.join("logs.ndjson")).unwrap()),
        pending: BTreeMap::new(),
        made: 0,
    };
    let mut requests = Vec::new();
    let mut trace_id = String::new();
    while maker.made < SPANS {
        trace_id = maker.trace();
        if maker.made.is_multiple_of(SPANS_PER_REQUEST) || maker.made == SPANS {
            requests.push(maker.take_request());
        }
    }
    maker.spans.flush().unwrap();
    maker.logs.flush().unwrap();
    Corpus { requests, trace_id }
}

struct Maker {
    random: StdRng,
    spans: BufWriter<File>,
    logs: BufWriter<File>,
    pending: BTreeMap<&'static str, Vec<Span>>,
    made: u64,
}

impl Maker {
    /// Five spans, each below an earlier one.
    fn trace(&mut self) -> String {
        let trace_id: u128 = self.random.random();
        let root_start = START_NS + self.random.random_range(0..RANGE_NS);
        let mut ids: Vec<u64> = Vec::new();
        for _ in 0..5 {
            let parent = ids.choose(&mut self.random).copied();
            let id = self.random.random_range(1..u64::MAX);
            self.span(trace_id, id, parent, root_start);
            ids.push(id);
        }
        format!("{trace_id:032x}")
    }

    fn span(&mut self, trace_id: u128, id: u64, parent: Option<u64>, root_start: u64) {
        let service = *SERVICES.choose(&mut self.random).unwrap();
        let start = root_start + self.random.random_range(0..1_000_000_000);
        let duration = self.duration();
        let kind = self.random.random_range(0..KINDS.len());
        let status = if self.random.random_bool(0.04) {
            2
        } else {
            self.random.random_range(0..2)
        };
        let name = format!("{} /{}", service, self.random.random_range(0..40));
        let attributes = self.attributes();
        let mut row = Map::new();
        row.insert("time_ns".into(), json!(start));
        row.insert("duration_ns".into(), json!(duration));
        row.insert("trace_id".into(), json!(format!("{trace_id:032x}")));
        row.insert("span_id".into(), json!(format!("{id:016x}")));
        row.insert(
            "parent_span_id".into(),
            json!(parent.map(|id| format!("{id:016x}"))),
        );
        row.insert("name".into(), json!(name));
        row.insert("kind".into(), json!(KINDS[kind]));
        row.insert("status_code".into(), json!(STATUSES[status]));
        row.insert("service.name".into(), json!(service));
        row.insert("scope.name".into(), json!("generator"));
        row.insert("host.name".into(), json!(format!("host-{service}")));
        for (key, value) in &attributes {
            row.insert(key.clone(), row_value(key, value));
        }
        writeln!(self.spans, "{}", Value::Object(row)).unwrap();
        let span = Span {
            trace_id: trace_id.to_be_bytes().to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            parent_span_id: parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
            name,
            kind: i32::try_from(kind).unwrap(),
            start_time_unix_nano: start,
            end_time_unix_nano: start + duration,
            events: if status == 2 {
                self.exceptions(trace_id, id, service, start)
            } else {
                vec![]
            },
            attributes: keyed(attributes),
            status: Some(Status {
                code: i32::try_from(status).unwrap(),
                ..Status::default()
            }),
            ..Span::default()
        };
        self.pending.entry(service).or_default().push(span);
        self.made += 1;
    }

    /// Mostly short, with a long tail, in whole nanoseconds.
    fn duration(&mut self) -> u64 {
        let scale = self.random.random_range(10_u32..32);
        self.random.random_range(0..1_u64 << scale)
    }

    fn attributes(&mut self) -> Vec<(String, Otlp)> {
        let random = &mut self.random;
        let mut found: Vec<(String, Otlp)> = Vec::new();
        let mut put = |key: &str, value: Otlp| found.push((key.to_owned(), value));
        put(
            "tenant.id",
            text(format!("tenant-{}", random.random_range(0..50))),
        );
        put(
            "request.id",
            text(format!("{:032x}", random.random::<u128>())),
        );
        if random.random_bool(0.7) {
            put(
                "user.id",
                text(format!("user-{:05}", random.random_range(0..30_000))),
            );
        }
        if random.random_bool(0.6) {
            put(
                "http.request.method",
                text(*METHODS.choose(random).unwrap()),
            );
            put(
                "http.response.status_code",
                Otlp::IntValue(random.random_range(1..6) * 100),
            );
        }
        if random.random_bool(0.5) {
            put(
                "cart.value",
                Otlp::DoubleValue(f64::from(random.random_range(0..20_000)) / 64.0),
            );
        }
        if random.random_bool(0.5) {
            put("cache.hit", Otlp::BoolValue(random.random()));
        }
        if random.random_bool(0.3) {
            put(
                "big.number",
                Otlp::IntValue(random.random_range(i64::MIN..=i64::MAX)),
            );
        }
        if random.random_bool(0.4) {
            put("city", text(*CITIES.choose(random).unwrap()));
        }
        if random.random_bool(0.5) {
            let number = random.random_range(0..20);
            let number_is_text = self.made >= SPANS / 2 && random.random_bool(0.8);
            put(
                "mixed",
                if number_is_text {
                    text(format!("n{number}"))
                } else {
                    Otlp::IntValue(number)
                },
            );
        }
        let late = random.random_range(0..LATE_KEYS);
        put(&format!("late.key.{late}"), late_value(late, random));
        found
    }

    fn exceptions(&mut self, trace_id: u128, id: u64, service: &str, start: u64) -> Vec<Event> {
        let mut events = Vec::new();
        for at in 0..self.random.random_range(1..3_u64) {
            let of = *EXCEPTIONS.choose(&mut self.random).unwrap();
            let row = json!({
                "time_ns": start + at, "trace_id": format!("{trace_id:032x}"), "span_id": format!("{id:016x}"),
                "service.name": service, "event.name": "exception", "exception.type": of,
            });
            writeln!(self.logs, "{row}").unwrap();
            events.push(Event {
                time_unix_nano: start + at,
                name: "exception".to_owned(),
                attributes: vec![attribute("exception.type", text(of))],
                ..Event::default()
            });
        }
        events
    }

    fn take_request(&mut self) -> Vec<u8> {
        let pending = std::mem::take(&mut self.pending);
        encode(
            pending
                .into_iter()
                .map(|(service, spans)| of_service(service, spans))
                .collect(),
        )
    }
}

fn of_service(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let attributes = vec![
        attribute("service.name", text(service)),
        attribute("host.name", text(format!("host-{service}"))),
    ];
    let scope = InstrumentationScope {
        name: "generator".to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceSpans {
        resource: Some(Resource {
            attributes,
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn late_value(key: u64, random: &mut StdRng) -> Otlp {
    let number = random.random_range(-500..500);
    match late_key_type(key) {
        "VARCHAR" => text(format!("значение {number}")),
        "BIGINT" => Otlp::IntValue(number.into()),
        "DOUBLE" => Otlp::DoubleValue(f64::from(number) / 8.0),
        _ => Otlp::BoolValue(number > 0),
    }
}

fn keyed(attributes: Vec<(String, Otlp)>) -> Vec<KeyValue> {
    attributes
        .into_iter()
        .map(|(key, value)| attribute(&key, value))
        .collect()
}

fn row_value(key: &str, value: &Otlp) -> Value {
    match value {
        Otlp::StringValue(text) => json!(text),
        Otlp::IntValue(number) if key == "mixed" => json!(number.to_string()),
        Otlp::IntValue(number) => json!(number),
        Otlp::DoubleValue(number) => json!(number),
        Otlp::BoolValue(flag) => json!(flag),
        other => unreachable!("the generator makes no {other:?}"),
    }
}
