//! What a question costs whatever it asks: of a table with many columns in many parts, all of them small.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::load;
use crate::peers;
use crate::queries::{self, Timing};
use crate::server::{self, Server};

/// Attributes, each a column; with the fixed columns there are some 20 more.
pub const COLUMNS: usize = 500;
pub const PARTS: usize = 100;
const SPANS_PER_PART: usize = 20;
/// Parts are of so many hours: only parts of one hour are merged, and only many of them.
const HOURS: usize = 20;
const HOUR_NANOS: u64 = 3_600_000_000_000;
const REPEATS: usize = 40;

/// Starts `program` and asks it.
pub fn run(program: &Path, directory: &Path) -> Result<Vec<Timing>> {
    let server = Server::start(program, directory)?;
    let mut sending = Connection::open(&server.otlp_http)?;
    let now = load::start_nanos()?;
    for part in 0..PARTS {
        let start = now - (part % HOURS) as u64 * HOUR_NANOS;
        let body = request(part, start).to_string();
        let headers = "Content-Type: application/json\r\n";
        let answer = sending.post("/v1/traces", headers, body.as_bytes())?;
        answer.success()?;
        server.maintain("flush")?;
    }
    let mut connection = Connection::open(&server.http)?;
    let questions = [
        (
            "count and p99 by service",
            "SELECT service.name, count(*), percentile(duration_ns, 0.99) FROM spans GROUP BY service.name",
        ),
        (
            "newest 20 of a name",
            "SELECT time, trace_id, name FROM spans WHERE name = 'call' ORDER BY time DESC LIMIT 20",
        ),
        (
            "count of an attribute's value",
            "SELECT count(*) FROM spans WHERE key.7 = 'value 3'",
        ),
    ];
    let timings = questions.map(|(label, sql)| {
        let ask = |_| server::query(&mut connection, sql);
        let check = |_, answer: &Value| {
            let is_empty = answer["rows"].as_array().is_none_or(Vec::is_empty);
            ensure!(!is_empty, "nothing found by: {sql}");
            Ok(())
        };
        queries::time(&server, (label, peers::NONE), REPEATS, ask, check)
    });
    timings.into_iter().collect()
}

/// Spans that have all attributes, as OTLP/JSON.
fn request(part: usize, start: u64) -> Value {
    let attributes = (0..COLUMNS).map(|column| {
        let value = format!("value {}", (part + column) % 10);
        json!({"key": format!("key.{column}"), "value": {"stringValue": value}})
    });
    let attributes: Vec<Value> = attributes.collect();
    let spans = (0..SPANS_PER_PART).map(|span| {
        let number = 1 + part * SPANS_PER_PART + span;
        json!({
            "traceId": format!("{number:032x}"),
            "spanId": format!("{number:016x}"),
            "name": "call",
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": (start + 1_000_000 + number as u64).to_string(),
            "attributes": attributes,
        })
    });
    let spans: Vec<Value> = spans.collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "wide"}}]},
        "scopeSpans": [{"spans": spans}],
    }]})
}
