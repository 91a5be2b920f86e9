//! Traces: spans as rows of `spans`, their events as rows of `logs`.

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use super::origin::{Origin, Source};
use super::tree::{self, add_resources, check_size};
use super::value::{Attributes, TooDeep, attributes, set_attributes};
use crate::batch::{Cell, TableBuilder};
use crate::otlp::enums::{SPAN_KIND, STATUS_CODE, name_of};
use crate::otlp::notes::{Notes, Refusal, quoted};
use crate::otlp::row::{
    is_zero, push_count, push_no_time, push_text, set_list, set_members, set_text, shown_id,
};
use crate::otlp::trace::tracestate::sample_weight;
use crate::otlp::tree::Intake;
use crate::{Decoded, Error};

const BAD_TRACE_ID: &str = "spans refused because their trace id is not 16 bytes, or all zero";
const BAD_SPAN_ID: &str = "spans refused because their span id is not 8 bytes, or all zero";
const BAD_PARENT_ID: &str = "spans refused because their parent's id is not 8 bytes";
const BAD_TIME: &str = "spans refused because a time is after the year 2262";
const TOO_DEEP: &str = "spans refused because an attribute value is nested deeper than 64";

/// The rows of a decoded request, whatever it was written in.
///
/// # Errors
/// `TooLarge` when they would take too much memory.
pub(super) fn decode(
    request: &ExportTraceServiceRequest,
    intake: Intake,
) -> Result<Decoded, Error> {
    let mut rows = Rows {
        spans: TableBuilder::new(Table::Spans),
        logs: TableBuilder::new(Table::Logs),
        intake,
    };
    add_resources(&request.resource_spans, &mut rows)?;
    let accepted = rows.spans.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.spans, rows.logs]))
}

struct Rows {
    spans: TableBuilder,
    logs: TableBuilder,
    intake: Intake,
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

impl tree::Rows for Rows {
    type Record = Span;
    const TOO_DEEP: &'static str = TOO_DEEP;

    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn count(_: &Span) -> u64 {
        1
    }

    fn add_scope(&mut self, source: &Source<'_>, spans: &[Span]) -> Result<(), Error> {
        let mut of_spans = Origin::new(Table::Spans, source);
        let mut of_logs = Origin::new(Table::Logs, source);
        for span in spans {
            match Record::check(span, &mut self.intake.notes) {
                Ok(record) => {
                    let weight = sample_weight(&span.trace_state);
                    self.add_span(&record, &mut of_spans, weight, &source.carried)?;
                    for (event, time, attributes) in &record.events {
                        self.add_event(span, event, *time, attributes, &mut of_logs, weight)?;
                    }
                }
                Err(refusal) => self.intake.refuse(refusal),
            }
        }
        Ok(())
    }
}

impl Rows {
    fn add_span(
        &mut self,
        record: &Record<'_>,
        origin: &mut Origin<'_>,
        weight: f64,
        carried: &Attributes<'_>,
    ) -> Result<(), Error> {
        let (span, row) = (record.span, &mut self.spans);
        row.set("time", Cell::Time(record.time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        if let Some(duration) = record.duration {
            row.set("duration_ns", Cell::Int(duration));
        }
        row.set("trace_id", Cell::Bytes(&span.trace_id));
        row.set("span_id", Cell::Bytes(&span.span_id));
        if let Some(parent) = record.parent {
            row.set("parent_span_id", Cell::Bytes(parent));
        }
        row.set("name", Cell::Text(&span.name));
        row.set("kind", Cell::Text(&name_of(SPAN_KIND, span.kind)));
        let status = span.status.as_ref();
        row.set(
            "status_code",
            Cell::Text(&name_of(
                STATUS_CODE,
                status.map_or(0, |status| status.code),
            )),
        );
        set_text(
            row,
            "status_message",
            status.map_or("", |status| &status.message),
        );
        set_text(row, "trace_state", &span.trace_state);
        set_list(row, "links", &record.links);
        set_attributes(row, &record.attributes);
        origin.write(row, weight);
        let mut members = span_members(span);
        members.extend(carried.iter().cloned());
        set_members(row, members);
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
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        row.set("trace_id", Cell::Bytes(&span.trace_id));
        row.set("span_id", Cell::Bytes(&span.span_id));
        row.set("record_type", Cell::Text("span_event"));
        set_text(row, "event.name", &event.name);
        set_attributes(row, attributes);
        origin.write(row, weight);
        let mut members = Vec::new();
        push_no_time(&mut members, event.time_unix_nano);
        push_count(
            &mut members,
            "dropped_attributes_count",
            event.dropped_attributes_count,
        );
        set_members(row, members);
        row.end_row();
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Error> {
        check_size(self.spans.size_bytes() + self.logs.size_bytes())
    }
}

impl<'a> Record<'a> {
    fn check(span: &'a Span, notes: &mut Notes) -> Result<Self, Refusal> {
        let refuse = |cause, what: String| Refusal {
            cause,
            example: format!("span {} with {what}", quoted(&span.name)),
        };
        let id = |cause, what, bytes: &[u8]| refuse(cause, format!("{what} {}", shown_id(bytes)));
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

/// What the column `otlp` says of a span.
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
        push_text(&mut members, name, text);
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
