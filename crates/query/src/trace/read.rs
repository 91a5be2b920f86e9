//! Spans and log records put together from the rows of a trace.

use std::collections::HashMap;

use arrow::array::{Float64Array, Int32Array, Int64Array, RecordBatch};
use serde_json::Value;

use super::attributes::{AttributeReader, Attributes};
use super::found::{Found, Ids, Texts, Times};
use super::{LogRecord, Span, SpanEvent, TraceRecords};

/// Rows of `logs` by what they are.
pub(super) const SPAN_EVENT: &str = "span_event";

/// The rows by time, and by span where times are the same.
pub(super) fn in_order(rows: &RecordBatch) -> Vec<usize> {
    let (times, ids) = (Times::new(rows, "time"), Ids::new(rows, "span_id"));
    let mut order: Vec<usize> = (0..rows.num_rows()).collect();
    order.sort_by_key(|row| (times.nanos(*row), ids.at(*row)));
    order
}

pub(super) fn spans(records: &TraceRecords) -> Vec<Span> {
    let mut events = events(&records.logs);
    let mut reader = SpanReader::new(&records.spans);
    let order = in_order(&records.spans);
    order
        .into_iter()
        .map(|row| reader.span(row, &mut events))
        .collect()
}

/// The columns of spans.
struct SpanReader<'a> {
    span_id: Ids<'a>,
    parent_span_id: Ids<'a>,
    name: Texts<'a>,
    kind: Texts<'a>,
    time: Times<'a>,
    received_at: Times<'a>,
    duration: Found<'a, Int64Array>,
    status_code: Texts<'a>,
    status_message: Texts<'a>,
    service_name: Texts<'a>,
    scope_name: Texts<'a>,
    scope_version: Texts<'a>,
    trace_state: Texts<'a>,
    sample_weight: Found<'a, Float64Array>,
    links: Texts<'a>,
    attributes: AttributeReader<'a>,
}

impl<'a> SpanReader<'a> {
    fn new(rows: &'a RecordBatch) -> Self {
        Self {
            span_id: Ids::new(rows, "span_id"),
            parent_span_id: Ids::new(rows, "parent_span_id"),
            name: Texts::new(rows, "name"),
            kind: Texts::new(rows, "kind"),
            time: Times::new(rows, "time"),
            received_at: Times::new(rows, "received_at"),
            duration: Found::new(rows, "duration_ns"),
            status_code: Texts::new(rows, "status_code"),
            status_message: Texts::new(rows, "status_message"),
            service_name: Texts::new(rows, "service.name"),
            scope_name: Texts::new(rows, "scope.name"),
            scope_version: Texts::new(rows, "scope.version"),
            trace_state: Texts::new(rows, "trace_state"),
            sample_weight: Found::new(rows, "sample_weight"),
            links: Texts::new(rows, "links"),
            attributes: AttributeReader::new(rows),
        }
    }

    fn span(&mut self, row: usize, events: &mut HashMap<&[u8], Vec<SpanEvent>>) -> Span {
        let Attributes {
            own,
            resource,
            scope,
        } = self.attributes.at(row);
        let id = self.span_id.at(row).unwrap_or_default();
        let links = self.links.at(row);
        let links = links.and_then(|text| serde_json::from_str(text).ok());
        Span {
            span_id: self.span_id.text(row).unwrap_or_default(),
            parent_span_id: self.parent_span_id.text(row),
            name: self.name.text(row).unwrap_or_default(),
            kind: self.kind.text(row).unwrap_or_default(),
            time: self.time.nanos(row).to_string(),
            received_at: self.received_at.nanos(row).to_string(),
            duration_ns: self.duration.at(row),
            status_code: self.status_code.text(row).unwrap_or_default(),
            status_message: self.status_message.text(row),
            service_name: self.service_name.text(row),
            scope_name: self.scope_name.text(row),
            scope_version: self.scope_version.text(row),
            trace_state: self.trace_state.text(row),
            sample_weight: self.sample_weight.at(row).unwrap_or(1.0),
            attributes: own,
            resource,
            scope,
            links: links.unwrap_or(Value::Array(Vec::new())),
            events: events.remove(id).unwrap_or_default(),
        }
    }
}

/// The events of a trace by their span's id, in order.
fn events(rows: &RecordBatch) -> HashMap<&[u8], Vec<SpanEvent>> {
    let (times, ids) = (Times::new(rows, "time"), Ids::new(rows, "span_id"));
    let (kinds, names) = (
        Texts::new(rows, "record_type"),
        Texts::new(rows, "event.name"),
    );
    let mut attributes = AttributeReader::new(rows);
    let mut events: HashMap<&[u8], Vec<SpanEvent>> = HashMap::new();
    for row in by_time(rows, |row| kinds.at(row) == Some(SPAN_EVENT)) {
        let Some(span_id) = ids.at(row) else {
            continue;
        };
        events.entry(span_id).or_default().push(SpanEvent {
            time: times.nanos(row).to_string(),
            name: names.text(row),
            attributes: attributes.at(row).own,
        });
    }
    events
}

/// The records that are no events of spans, by time.
pub(super) fn records(rows: &RecordBatch) -> Vec<LogRecord> {
    let kinds = Texts::new(rows, "record_type");
    let (times, observed) = (Times::new(rows, "time"), Times::new(rows, "observed_time"));
    let span_id = Ids::new(rows, "span_id");
    let severity_number = Found::<Int32Array>::new(rows, "severity_number");
    let [severity_text, event_name, body, service_name, scope_name] = [
        "severity_text",
        "event.name",
        "body",
        "service.name",
        "scope.name",
    ]
    .map(|name| Texts::new(rows, name));
    let mut attributes = AttributeReader::new(rows);
    let found = by_time(rows, |row| kinds.at(row) != Some(SPAN_EVENT));
    let record = |row: usize| {
        let Attributes {
            own,
            resource,
            scope,
        } = attributes.at(row);
        LogRecord {
            time: times.nanos(row).to_string(),
            observed_time: observed.at(row).map(|time| time.to_string()),
            span_id: span_id.text(row),
            severity_number: severity_number.at(row),
            severity_text: severity_text.text(row),
            event_name: event_name.text(row),
            body: body.text(row),
            service_name: service_name.text(row),
            scope_name: scope_name.text(row),
            attributes: own,
            resource,
            scope,
        }
    };
    found.into_iter().map(record).collect()
}

/// Those of the rows by time.
pub(super) fn by_time(rows: &RecordBatch, is_one: impl Fn(usize) -> bool) -> Vec<usize> {
    let times = Times::new(rows, "time");
    let mut found: Vec<usize> = (0..rows.num_rows()).filter(|row| is_one(*row)).collect();
    found.sort_by_key(|row| times.nanos(*row));
    found
}
