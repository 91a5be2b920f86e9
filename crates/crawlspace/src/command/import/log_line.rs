//! Lines of JSON of any program's log as OTLP log records: the usual names for time, text, severity, trace and service
//! are found in any case, everything else is an attribute.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value, json};

use super::input::{Found, Give};
use super::{Batch, Signal};

/// A batch is sent when it has so many.
const RECORDS_MAX: u64 = 1_000;
const BYTES_MAX: usize = 1 << 20;

const TIME: &[&str] = &[
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "datetime",
    "date",
    "eventtime",
];
const BODY: &[&str] = &["message", "msg", "body", "log", "text", "event"];
const SEVERITY: &[&str] = &[
    "level",
    "severity",
    "severity_text",
    "severitytext",
    "loglevel",
    "log.level",
    "lvl",
    "levelname",
];
const TRACE_ID: &[&str] = &[
    "trace_id",
    "traceid",
    "trace.id",
    "otel.trace_id",
    "dd.trace_id",
];
const SPAN_ID: &[&str] = &["span_id", "spanid", "span.id", "otel.span_id"];
const SERVICE: &[&str] = &[
    "service.name",
    "service",
    "service_name",
    "servicename",
    "app",
    "application",
];

/// Gathers lines into batches.
pub struct LogLines {
    file: String,
    service: Option<String>,
    /// By service, since that belongs to the resource.
    records: BTreeMap<Option<String>, Vec<Value>>,
    count: u64,
    bytes: usize,
    /// Where the batch begins.
    place: String,
}

impl LogLines {
    /// `service` is that of lines which name none.
    pub fn new(file: &str, service: Option<&str>) -> Self {
        Self {
            file: file.to_owned(),
            service: service.map(str::to_owned),
            records: BTreeMap::new(),
            count: 0,
            bytes: 0,
            place: String::new(),
        }
    }

    /// `false` when nobody takes batches any more.
    pub fn add(&mut self, line: &[u8], place: String, give: Give<'_>) -> bool {
        let object = match serde_json::from_slice(line) {
            Ok(Value::Object(object)) => object,
            _ => {
                let why = "this is JSON, but no object".to_owned();
                return give(Found::Unreadable { place, why });
            }
        };
        let (service, record) = record(object);
        if self.count == 0 {
            self.place = place;
        }
        let service = service.or_else(|| self.service.clone());
        self.records.entry(service).or_default().push(record);
        self.count += 1;
        self.bytes += line.len();
        if self.count >= RECORDS_MAX || self.bytes >= BYTES_MAX {
            return self.flush(give);
        }
        true
    }

    pub fn flush(&mut self, give: Give<'_>) -> bool {
        if self.count == 0 {
            return true;
        }
        let resources: Vec<Value> = std::mem::take(&mut self.records)
            .into_iter()
            .map(|(service, records)| {
                let service = service.map(|name| attribute("service.name", Value::String(name)));
                let attributes: Vec<Value> = service.into_iter().collect();
                json!({"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": records}]})
            })
            .collect();
        let first = std::mem::take(&mut self.place);
        let last = std::mem::take(&mut self.count);
        self.bytes = 0;
        let place = match last {
            1 => first,
            records => format!(
                "{first} and the {} lines after it in {}",
                records - 1,
                self.file
            ),
        };
        give(Found::Batch(Batch {
            signal: Signal::Logs,
            is_json: true,
            body: json!({"resourceLogs": resources}).to_string().into_bytes(),
            records: last,
            place,
        }))
    }
}

/// The service of a line, and its record in OTLP/JSON.
fn record(mut object: Map<String, Value>) -> (Option<String>, Value) {
    let mut record = Map::new();
    if let Some(nanos) = take(&mut object, TIME, time) {
        record.insert("timeUnixNano".to_owned(), Value::String(nanos.to_string()));
    }
    if let Some((text, number)) = take(&mut object, SEVERITY, severity) {
        record.insert("severityText".to_owned(), Value::String(text));
        record.insert("severityNumber".to_owned(), json!(number));
    }
    for (names, member, digits) in [(TRACE_ID, "traceId", 32), (SPAN_ID, "spanId", 16)] {
        if let Some(id) = take(&mut object, names, |value| hex(value, digits)) {
            record.insert(member.to_owned(), Value::String(id));
        }
    }
    let service = take(&mut object, SERVICE, |value| {
        Some(value.as_str()?.to_owned())
    });
    if let Some(body) = take(&mut object, BODY, |value| Some(any_value(value.clone()))) {
        record.insert("body".to_owned(), body);
    }
    let attributes = object.into_iter().filter(|(_, value)| !value.is_null());
    let attributes: Vec<Value> = attributes
        .map(|(key, value)| attribute(&key, value))
        .collect();
    if !attributes.is_empty() {
        record.insert("attributes".to_owned(), Value::Array(attributes));
    }
    (service, Value::Object(record))
}

/// Takes out the first of these members that can be read so. Others stay, as attributes.
fn take<T>(
    object: &mut Map<String, Value>,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    names.iter().find_map(|name| {
        let (key, found) = object
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .find_map(|(key, value)| Some((key.clone(), read(value)?)))?;
        object.remove(&key);
        Some(found)
    })
}

fn attribute(key: &str, value: Value) -> Value {
    json!({"key": key, "value": any_value(value)})
}

/// OTLP's `AnyValue` in its JSON form.
fn any_value(value: Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => json!({"intValue": integer.to_string()}),
            None => json!({"doubleValue": number.as_f64()}),
        },
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(items) => {
            let values: Vec<Value> = items.into_iter().map(any_value).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Object(members) => {
            let values = members.into_iter();
            let values: Vec<Value> = values.map(|(key, value)| attribute(&key, value)).collect();
            json!({"kvlistValue": {"values": values}})
        }
    }
}

/// Nanoseconds since 1970, of RFC 3339 or of a number in seconds or finer units, told apart by size.
fn time(value: &Value) -> Option<i64> {
    if let Some(text) = value.as_str() {
        let text = text.trim();
        return match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.timestamp_nanos_opt(),
            Err(_) => without_zone(text).or_else(|| from_number(text.parse().ok()?)),
        };
    }
    if let Some(integer) = value.as_i64() {
        return scaled(integer);
    }
    from_number(value.as_f64()?)
}

/// A time without a zone is taken for UTC.
fn without_zone(text: &str) -> Option<i64> {
    let text = text.replace(',', ".");
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())?;
    time.and_utc().timestamp_nanos_opt()
}

fn from_number(number: f64) -> Option<i64> {
    if number.fract() == 0.0 {
        return scaled(number as i64);
    }
    // Seconds or milliseconds with a fraction: microseconds are what a double can tell of today's times.
    let micros = match number.abs() {
        0.0..1e11 => number * 1e6,
        1e11..1e14 => number * 1e3,
        _ => return None,
    };
    (micros.round() as i64).checked_mul(1_000)
}

fn scaled(number: i64) -> Option<i64> {
    let scale = match number.unsigned_abs() {
        0..=99_999_999_999 => 1_000_000_000,
        100_000_000_000..=99_999_999_999_999 => 1_000_000,
        100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
        _ => 1,
    };
    number.checked_mul(scale)
}

/// OTLP's severity (logs data model, "Severity Fields"): the text as it was, and the number of its range.
fn severity(value: &Value) -> Option<(String, u8)> {
    let text = match value {
        Value::String(text) => text.clone(),
        // The levels of Bunyan and Pino.
        Value::Number(number) => {
            let names = ["trace", "debug", "info", "warn", "error", "fatal"];
            let level = usize::try_from(number.as_u64()?).ok()?;
            (*names.get((level / 10).checked_sub(1)?)?).to_owned()
        }
        _ => return None,
    };
    let number = match text.to_ascii_lowercase().as_str() {
        "trace" | "verbose" | "silly" => 1,
        "debug" | "dbg" => 5,
        "info" | "information" | "informational" | "i" => 9,
        "notice" => 10,
        "warn" | "warning" | "w" => 13,
        "error" | "err" | "e" => 17,
        "critical" | "crit" | "alert" => 18,
        "fatal" | "panic" | "emerg" | "emergency" => 21,
        _ => return None,
    };
    Some((text, number))
}

fn hex(value: &Value, digits: usize) -> Option<String> {
    let text = value.as_str()?.replace('-', "");
    let is_id = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && text.bytes().any(|byte| byte != b'0')).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{record, severity, time};

    fn of(value: Value) -> (Option<String>, Value) {
        let Value::Object(object) = value else {
            panic!("{value}")
        };
        record(object)
    }

    #[test]
    fn the_usual_names_find_their_places_and_the_rest_are_attributes() {
        let (service, record) = of(json!({
            "ts": "2026-11-22T10:00:00.5Z", "Level": "WARN", "msg": "slow", "service": "shop",
            "trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736", "span_id": "00f067aa0ba902b7",
            "user": {"id": 7, "tags": ["a", 1.5]}, "nothing": null,
        }));
        assert_eq!(service.as_deref(), Some("shop"));
        assert_eq!(
            record,
            json!({
                "timeUnixNano": "1795341600500000000", "severityText": "WARN", "severityNumber": 13,
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7",
                "body": {"stringValue": "slow"},
                "attributes": [{"key": "user", "value": {"kvlistValue": {"values": [
                    {"key": "id", "value": {"intValue": "7"}},
                    {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"doubleValue": 1.5}]}}},
                ]}}}],
            })
        );
    }

    #[test]
    fn what_does_not_fit_its_place_is_kept_as_an_attribute() {
        let (service, record) =
            of(json!({"time": "noon", "level": "loud", "trace_id": "12", "app": 5}));
        assert_eq!(service, None);
        let keys: Vec<&str> = record["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["key"].as_str().unwrap())
            .collect();
        assert_eq!(keys, ["app", "level", "time", "trace_id"]);
    }

    #[test]
    fn times_of_all_kinds_are_nanoseconds() {
        let expected = Some(1_795_341_600_500_000_000);
        for value in [
            json!("2026-11-22T10:00:00.5Z"),
            json!("2026-11-22T12:00:00.500+02:00"),
            json!("2026-11-22 10:00:00,500"),
            json!("2026-11-22T10:00:00.5"),
            json!(1_795_341_600.5),
            json!(1_795_341_600_500_u64),
            json!("1795341600500"),
            json!(1_795_341_600_500_000_000_u64),
        ] {
            assert_eq!(time(&value), expected, "{value}");
        }
        assert_eq!(time(&json!("yesterday")), None);
        assert_eq!(severity(&json!(50)), Some(("error".to_owned(), 17)));
        assert_eq!(severity(&json!("loud")), None);
    }
}
