//! Traces: spans as rows of `spans`, their events as rows of `logs`.

use std::borrow::Cow;

use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;
use crawlspace_model::{Table, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::DECODED_BYTES_MAX;
use super::notes::{Notes, Refusal, quoted};
use super::origin::{Origin, carried, json_object, push_count, set_text};
use super::tracestate::sample_weight;
use super::value::{Attributes, TooDeep, attributes, unique_attributes};
use crate::batch::{Cell, TEXT_BYTES_MAX, TableBuilder};
use crate::{Decoded, Error};

const BAD_TRACE_ID: &str = "spans refused because their trace id is not 16 bytes, or all zero";
const BAD_SPAN_ID: &str = "spans refused because their span id is not 8 bytes, or all zero";
const BAD_PARENT_ID: &str = "spans refused because their parent's id is not 8 bytes";
const BAD_TIME: &str = "spans refused because a time is after the year 2262";
const TOO_DEEP: &str = "spans refused because an attribute value is nested deeper than 64";

/// The rows of a decoded request, whatever it was written in.
///
/// # Errors
/// `TooLarge` when they would take more than [`DECODED_BYTES_MAX`].
pub(super) fn decode(
    request: &ExportTraceServiceRequest,
    received_at: UnixNanos,
) -> Result<Decoded, Error> {
    let mut rows = Rows {
        spans: TableBuilder::new(Table::Spans),
        logs: TableBuilder::new(Table::Logs),
        received_at,
        rejected: 0,
        notes: Notes::default(),
    };
    for resource_spans in &request.resource_spans {
        rows.add_resource(resource_spans)?;
    }
    let accepted = rows.spans.rows() as u64;
    let builders = [rows.spans, rows.logs]
        .into_iter()
        .filter(|builder| builder.rows() > 0);
    Ok(Decoded {
        batches: builders
            .map(|builder| (builder.table(), builder.finish()))
            .collect(),
        accepted,
        rejected: rows.rejected,
        messages: rows.notes.into_messages(),
    })
}

struct Rows {
    spans: TableBuilder,
    logs: TableBuilder,
    received_at: UnixNanos,
    rejected: u64,
    notes: Notes,
}

/// A span that is fit to be stored, with what had to be converted to know that.
struct Record<'a> {
    span: &'a Span,
    parent: Option<&'a [u8]>,
    time: i64,
    duration: Option<i64>,
    attributes: Attributes<'a>,
    /// With their times; an event without one has the span's start.
    events: Vec<(&'a Event, i64, Attributes<'a>)>,
    links: Vec<String>,
}

impl Rows {
    fn add_resource(&mut self, resource_spans: &ResourceSpans) -> Result<(), Error> {
        let list = resource_spans
            .resource
            .as_ref()
            .map_or(&[][..], |resource| &resource.attributes);
        let resource = unique_attributes(list, &mut self.notes);
        // A scope without spans is no work: millions of them fit in a body.
        for scope_spans in resource_spans
            .scope_spans
            .iter()
            .filter(|scope| !scope.spans.is_empty())
        {
            let list = scope_spans
                .scope
                .as_ref()
                .map_or(&[][..], |scope| &scope.attributes);
            match (&resource, unique_attributes(list, &mut self.notes)) {
                (Ok(resource), Ok(scope)) => {
                    self.add_scope(resource_spans, resource, scope_spans, &scope)?;
                }
                _ => {
                    let count = scope_spans.spans.len() as u64;
                    self.rejected += count;
                    self.notes.add(TOO_DEEP, count, || {
                        "one of a resource or a scope".to_owned()
                    });
                }
            }
        }
        Ok(())
    }

    fn add_scope(
        &mut self,
        resource_spans: &ResourceSpans,
        resource: &Attributes<'_>,
        scope_spans: &ScopeSpans,
        scope_attributes: &Attributes<'_>,
    ) -> Result<(), Error> {
        let scope = scope_spans.scope.as_ref();
        let mut of_spans = Origin::new(Table::Spans, resource, scope, scope_attributes);
        let mut of_logs = Origin::new(Table::Logs, resource, scope, scope_attributes);
        let carried = carried(
            resource_spans.resource.as_ref(),
            &resource_spans.schema_url,
            scope,
            &scope_spans.schema_url,
        );
        for span in &scope_spans.spans {
            match Record::check(span, &mut self.notes) {
                Ok(record) => {
                    let weight = sample_weight(&span.trace_state);
                    self.add_span(&record, &mut of_spans, weight, &carried)?;
                    for (event, time, attributes) in &record.events {
                        self.add_event(span, event, *time, attributes, &mut of_logs, weight)?;
                    }
                }
                Err(refusal) => {
                    self.rejected += 1;
                    self.notes.add(refusal.cause, 1, || refusal.example);
                }
            }
        }
        Ok(())
    }

    fn add_span(
        &mut self,
        record: &Record<'_>,
        origin: &mut Origin<'_>,
        weight: f64,
        carried: &Attributes<'_>,
    ) -> Result<(), Error> {
        let (span, row) = (record.span, &mut self.spans);
        row.set("time", Cell::Time(record.time));
        row.set("received_at", Cell::Time(self.received_at.0));
        if let Some(duration) = record.duration {
            row.set("duration_ns", Cell::Int(duration));
        }
        row.set("trace_id", Cell::Bytes(&span.trace_id));
        row.set("span_id", Cell::Bytes(&span.span_id));
        if let Some(parent) = record.parent {
            row.set("parent_span_id", Cell::Bytes(parent));
        }
        row.set("name", Cell::Text(&span.name));
        row.set("kind", Cell::Text(&kind_name(span.kind)));
        let status = span.status.as_ref();
        row.set(
            "status_code",
            Cell::Text(&status_name(status.map_or(0, |status| status.code))),
        );
        set_text(
            row,
            "status_message",
            status.map_or("", |status| &status.message),
        );
        set_text(row, "trace_state", &span.trace_state);
        set_links(row, &record.links);
        set_attributes(row, &record.attributes);
        origin.write(row, weight);
        let mut members = span_members(span);
        members.extend(carried.iter().cloned());
        set_carried(row, members);
        row.end_row();
        self.check_size()
    }

    fn add_event(
        &mut self,
        span: &Span,
        event: &Event,
        time: i64,
        attributes: &Attributes<'_>,
        origin: &mut Origin<'_>,
        weight: f64,
    ) -> Result<(), Error> {
        let row = &mut self.logs;
        row.set("time", Cell::Time(time));
        row.set("received_at", Cell::Time(self.received_at.0));
        row.set("trace_id", Cell::Bytes(&span.trace_id));
        row.set("span_id", Cell::Bytes(&span.span_id));
        row.set("record_type", Cell::Text("span_event"));
        set_text(row, "event.name", &event.name);
        set_attributes(row, attributes);
        origin.write(row, weight);
        let mut members = Vec::new();
        push_count(
            &mut members,
            "dropped_attributes_count",
            event.dropped_attributes_count,
        );
        set_carried(row, members);
        row.end_row();
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Error> {
        if self.spans.size_bytes() + self.logs.size_bytes() > DECODED_BYTES_MAX {
            return Err(Error::Decoded {
                limit: DECODED_BYTES_MAX,
            });
        }
        Ok(())
    }
}

impl<'a> Record<'a> {
    fn check(span: &'a Span, notes: &mut Notes) -> Result<Self, Refusal> {
        let refuse = |cause, what: String| Refusal {
            cause,
            example: format!("span {} with {what}", quoted(&span.name)),
        };
        let id = |cause, what, bytes: &[u8]| {
            refuse(
                cause,
                format!(
                    "{what} `{}` ({} bytes)",
                    hex(&bytes[..bytes.len().min(20)]),
                    bytes.len()
                ),
            )
        };
        let time = |nanos: u64| {
            i64::try_from(nanos).map_err(|_| refuse(BAD_TIME, format!("time {nanos}")))
        };
        let too_deep = |TooDeep| refuse(TOO_DEEP, "such a value".to_owned());

        if span.trace_id.len() != 16 || is_zero(&span.trace_id) {
            return Err(id(BAD_TRACE_ID, "trace id", &span.trace_id));
        }
        if span.span_id.len() != 8 || is_zero(&span.span_id) {
            return Err(id(BAD_SPAN_ID, "span id", &span.span_id));
        }
        let parent = Some(&span.parent_span_id[..]).filter(|parent| !is_zero(parent));
        if let Some(parent) = parent.filter(|parent| parent.len() != 8) {
            return Err(id(BAD_PARENT_ID, "parent", parent));
        }
        let start = time(span.start_time_unix_nano)?;
        let end = time(span.end_time_unix_nano)?;
        let mut events = Vec::with_capacity(span.events.len());
        for event in &span.events {
            let at = if event.time_unix_nano == 0 {
                start
            } else {
                time(event.time_unix_nano)?
            };
            events.push((
                event,
                at,
                attributes(&event.attributes, notes).map_err(too_deep)?,
            ));
        }
        let links = span.links.iter().map(|link| link_text(link, notes));
        Ok(Self {
            span,
            parent,
            time: start,
            duration: (end != 0).then(|| end - start),
            links: links.collect::<Result<_, _>>().map_err(too_deep)?,
            attributes: attributes(&span.attributes, notes).map_err(too_deep)?,
            events,
        })
    }
}

/// What the column `otlp` says of a span; the whole column is compact JSON of what OTLP
/// carried and no column holds: only members that differ from the default, null when there are none. Rows of span events have
/// `dropped_attributes_count` only.
///
/// | member | of OTLP's |
/// |---|---|
/// | `flags` | `Span` |
/// | `dropped_attributes_count`, `dropped_events_count`, `dropped_links_count` | `Span` |
/// | `resource.dropped_attributes_count`, `resource.entity_refs` | `Resource` |
/// | `resource.schema_url` | `ResourceSpans` |
/// | `scope.dropped_attributes_count` | `InstrumentationScope` |
/// | `scope.schema_url` | `ScopeSpans` |
fn span_members(span: &Span) -> Attributes<'static> {
    let mut members = Vec::new();
    push_count(&mut members, "flags", span.flags);
    push_count(
        &mut members,
        "dropped_attributes_count",
        span.dropped_attributes_count,
    );
    push_count(
        &mut members,
        "dropped_events_count",
        span.dropped_events_count,
    );
    push_count(
        &mut members,
        "dropped_links_count",
        span.dropped_links_count,
    );
    members
}

/// True for no bytes, too.
fn is_zero(id: &[u8]) -> bool {
    id.iter().all(|byte| *byte == 0)
}

/// A row keeps the first value of a key that it is given, so the last one goes first.
fn set_attributes(row: &mut TableBuilder, attributes: &Attributes<'_>) {
    for (key, value) in attributes.iter().rev() {
        row.attribute(
            &crawlspace_model::names::column_of_key(row.table(), key),
            value,
        );
    }
}

fn set_carried(row: &mut TableBuilder, members: Attributes<'_>) {
    if let Some(text) = json_object(members) {
        row.set("otlp", Cell::Json(&text));
    }
}

/// The links as one JSON list; those that would make it longer than a text may be are left out, and
/// the row says so.
fn set_links(row: &mut TableBuilder, links: &[String]) {
    let mut text = String::new();
    for link in links {
        if text.len() + link.len() + 2 > TEXT_BYTES_MAX {
            row.mark_truncated("links");
            break;
        }
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(link);
    }
    if !text.is_empty() {
        text.push(']');
        row.set("links", Cell::Json(&text));
    }
}

/// One link as a JSON object of the members that differ from the default; the ids in hex, of any
/// length.
fn link_text(link: &Link, notes: &mut Notes) -> Result<String, TooDeep> {
    let (trace_id, span_id) = (hex(&link.trace_id), hex(&link.span_id));
    let mut members = Vec::new();
    for (name, text) in [
        ("trace_id", &trace_id),
        ("span_id", &span_id),
        ("trace_state", &link.trace_state),
    ] {
        if !text.is_empty() {
            members.push((name, Value::String(text)));
        }
    }
    let attributes = attributes(&link.attributes, notes)?;
    if !attributes.is_empty() {
        members.push(("attributes", Value::Map(attributes)));
    }
    push_count(&mut members, "flags", link.flags);
    push_count(
        &mut members,
        "dropped_attributes_count",
        link.dropped_attributes_count,
    );
    Ok(Value::Map(members).to_json())
}

fn kind_name(kind: i32) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        0 => "unspecified",
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        other => return other.to_string().into(),
    })
}

fn status_name(code: i32) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "unset",
        1 => "ok",
        2 => "error",
        other => return other.to_string().into(),
    })
}
