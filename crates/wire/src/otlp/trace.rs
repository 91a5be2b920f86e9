//! Traces: spans as rows of `spans`, their events as rows of `logs`.

pub(super) mod tracestate;

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;

use super::enums::{SPAN_KIND, STATUS_CODE, name_of};
use super::notes::{Notes, Refusal, quoted};
use super::origin::{Origin, Source};
use super::protobuf::{Malformed, Reader};
use super::row::{
    is_zero, json_object, push_count, push_no_time, push_text, set_list, set_members, set_text,
    shown_id,
};
use super::tree::{self, Failure, Intake, add_resources};
use super::value::{Attributes, List, Lists, RowList};
use crate::Decoded;
use crate::batch::{Cell, Fixed, TableBuilder};
use tracestate::sample_weight;

const BAD_TRACE_ID: &str = "spans refused because their trace id is not 16 bytes, or all zero";
const BAD_SPAN_ID: &str = "spans refused because their span id is not 8 bytes, or all zero";
const BAD_PARENT_ID: &str = "spans refused because their parent's id is not 8 bytes";
const BAD_TIME: &str = "spans refused because a time is after the year 2262";

/// The rows of an `ExportTraceServiceRequest`.
///
/// # Errors
/// When the body is none, or the rows would take too much memory.
pub(super) fn decode(body: &[u8], intake: Intake) -> Result<Decoded, Failure> {
    let spans = TableBuilder::new(Table::Spans);
    let mut rows = Rows {
        columns: Columns::of(&spans),
        spans,
        logs: TableBuilder::new(Table::Logs),
        intake,
        of_spans: Lists::default(),
        of_events: Lists::default(),
    };
    add_resources(body, &mut rows)?;
    let accepted = rows.spans.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.spans, rows.logs]))
}

struct Rows<'a> {
    spans: TableBuilder,
    logs: TableBuilder,
    intake: Intake,
    columns: Columns,
    /// The attributes of the span that is being read, and of its events.
    of_spans: Lists<'a>,
    of_events: Lists<'a>,
}

/// The columns that nearly every span fills.
struct Columns {
    time: Fixed,
    received_at: Fixed,
    duration: Fixed,
    trace_id: Fixed,
    span_id: Fixed,
    parent: Fixed,
    name: Fixed,
    kind: Fixed,
    status_code: Fixed,
    otlp: Fixed,
}

impl Columns {
    fn of(spans: &TableBuilder) -> Self {
        Self {
            time: spans.fixed("time"),
            received_at: spans.fixed("received_at"),
            duration: spans.fixed("duration_ns"),
            trace_id: spans.fixed("trace_id"),
            span_id: spans.fixed("span_id"),
            parent: spans.fixed("parent_span_id"),
            name: spans.fixed("name"),
            kind: spans.fixed("kind"),
            status_code: spans.fixed("status_code"),
            otlp: spans.fixed("otlp"),
        }
    }
}

/// A span as it was read.
#[derive(Default)]
struct Span<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    trace_state: &'a str,
    parent_span_id: &'a [u8],
    name: &'a str,
    kind: i32,
    start: u64,
    end: u64,
    attributes: RowList<'a>,
    events: Vec<Event<'a>>,
    links: Vec<Link<'a>>,
    status_code: i32,
    status_message: &'a str,
    counts: Counts,
}

/// What the column `otlp` says of a span.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    flags: u32,
    dropped_attributes: u32,
    dropped_events: u32,
    dropped_links: u32,
}

#[derive(Default)]
struct Event<'a> {
    time: u64,
    name: &'a str,
    attributes: RowList<'a>,
    dropped_attributes_count: u32,
}

#[derive(Default)]
struct Link<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    trace_state: &'a str,
    attributes: List<'a>,
    dropped_attributes_count: u32,
    flags: u32,
}

/// What a span that is fit to be stored needed conversion for.
struct Checked<'a> {
    parent: Option<&'a [u8]>,
    time: i64,
    duration: Option<i64>,
    /// An event without a time has the span's start.
    event_times: Vec<i64>,
    links: Vec<String>,
}

/// The text of the column `otlp` for the counts of the last span: mostly the same again.
#[derive(Default)]
struct Members {
    of: Option<Counts>,
    text: Option<String>,
}

impl Members {
    fn text(&mut self, counts: Counts, carried: &Attributes<'_>) -> Option<&str> {
        if self.of != Some(counts) {
            self.of = Some(counts);
            let mut members = Vec::new();
            for (name, count) in [
                ("flags", counts.flags),
                ("dropped_attributes_count", counts.dropped_attributes),
                ("dropped_events_count", counts.dropped_events),
                ("dropped_links_count", counts.dropped_links),
            ] {
                push_count(&mut members, name, count);
            }
            members.extend(carried.iter().cloned());
            self.text = json_object(members);
        }
        self.text.as_deref()
    }
}

impl<'a> tree::Rows<'a> for Rows<'a> {
    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn add_scope(&mut self, source: &Source<'_>, records: &[Reader<'a>]) -> Result<(), Failure> {
        self.spans.expect_rows(records.len());
        let mut of_spans = Origin::new(&mut self.spans, source);
        let mut of_logs = None;
        let mut members = Members::default();
        for record in records {
            let span = self.read(*record)?;
            match span.check(&mut self.intake.notes) {
                Ok(checked) => {
                    let weight = sample_weight(span.trace_state);
                    let otlp = members.text(span.counts, &source.carried);
                    self.add_span(&span, &checked, otlp);
                    of_spans.write(&mut self.spans, weight);
                    self.spans.end_row();
                    self.check_size()?;
                    for (event, time) in span.events.iter().zip(&checked.event_times) {
                        let origin =
                            of_logs.get_or_insert_with(|| Origin::new(&mut self.logs, source));
                        self.add_event(&span, event, *time, origin, weight);
                        self.check_size()?;
                    }
                }
                Err(refusal) => self.intake.refuse(refusal),
            }
        }
        of_spans.finish(&mut self.spans);
        if let Some(of_logs) = of_logs {
            of_logs.finish(&mut self.logs);
        }
        Ok(())
    }
}

impl<'a> Rows<'a> {
    fn read(&mut self, mut message: Reader<'a>) -> Result<Span<'a>, Malformed> {
        self.of_spans.clear();
        self.of_events.clear();
        let mut span = Span::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => span.trace_id = message.bytes(tag)?,
                2 => span.span_id = message.bytes(tag)?,
                3 => span.trace_state = message.text(tag)?,
                4 => span.parent_span_id = message.bytes(tag)?,
                5 => span.name = message.text(tag)?,
                6 => span.kind = message.int32(tag)?,
                7 => span.start = message.fixed64(tag)?,
                8 => span.end = message.fixed64(tag)?,
                9 => {
                    let entry = message.message(tag)?;
                    let list = &mut span.attributes;
                    self.of_spans.add(list, entry, &mut self.spans)?;
                }
                10 => span.counts.dropped_attributes = message.uint32(tag)?,
                11 => {
                    let event = self.read_event(message.message(tag)?)?;
                    span.events.push(event);
                }
                12 => span.counts.dropped_events = message.uint32(tag)?,
                13 => span.links.push(Link::read(message.message(tag)?)?),
                14 => span.counts.dropped_links = message.uint32(tag)?,
                15 => span.merge_status(message.message(tag)?)?,
                16 => span.counts.flags = message.fixed32(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(span)
    }

    fn read_event(&mut self, mut message: Reader<'a>) -> Result<Event<'a>, Malformed> {
        let mut event = Event {
            attributes: self.of_events.start(),
            ..Event::default()
        };
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => event.time = message.fixed64(tag)?,
                2 => event.name = message.text(tag)?,
                3 => {
                    let entry = message.message(tag)?;
                    let list = &mut event.attributes;
                    self.of_events.add(list, entry, &mut self.logs)?;
                }
                4 => event.dropped_attributes_count = message.uint32(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(event)
    }

    /// Fills the open row but for what its origin fills.
    fn add_span(&mut self, span: &Span<'_>, checked: &Checked<'_>, otlp: Option<&str>) {
        let (row, columns) = (&mut self.spans, &self.columns);
        row.set_fixed(columns.time, Cell::Time(checked.time));
        row.set_fixed(columns.received_at, Cell::Time(self.intake.received_at.0));
        if let Some(duration) = checked.duration {
            row.set_fixed(columns.duration, Cell::Int(duration));
        }
        row.set_fixed(columns.trace_id, Cell::Bytes(span.trace_id));
        row.set_fixed(columns.span_id, Cell::Bytes(span.span_id));
        if let Some(parent) = checked.parent {
            row.set_fixed(columns.parent, Cell::Bytes(parent));
        }
        row.set_fixed(columns.name, Cell::Text(span.name));
        let kind = name_of(SPAN_KIND, span.kind);
        row.set_fixed(columns.kind, Cell::Text(&kind));
        let status_code = name_of(STATUS_CODE, span.status_code);
        row.set_fixed(columns.status_code, Cell::Text(&status_code));
        set_text(row, "status_message", span.status_message);
        set_text(row, "trace_state", span.trace_state);
        set_list(row, "links", &checked.links);
        if let Some(text) = otlp {
            row.set_fixed(columns.otlp, Cell::Json(text));
        }
        self.of_spans.put(&span.attributes, row);
    }

    fn add_event(
        &mut self,
        span: &Span<'_>,
        event: &Event<'_>,
        time: i64,
        origin: &mut Origin<'_>,
        weight: f64,
    ) {
        let row = &mut self.logs;
        row.set("time", Cell::Time(time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        row.set("trace_id", Cell::Bytes(span.trace_id));
        row.set("span_id", Cell::Bytes(span.span_id));
        row.set("record_type", Cell::Text("span_event"));
        set_text(row, "event.name", event.name);
        self.of_events.put(&event.attributes, row);
        origin.write(row, weight);
        let mut members = Vec::new();
        push_no_time(&mut members, event.time);
        push_count(
            &mut members,
            "dropped_attributes_count",
            event.dropped_attributes_count,
        );
        set_members(row, members);
        row.end_row();
    }

    fn check_size(&self) -> Result<(), Failure> {
        tree::check_size(self.spans.size_bytes() + self.logs.size_bytes())
    }
}

impl<'a> Span<'a> {
    fn merge_status(&mut self, mut message: Reader<'a>) -> Result<(), Malformed> {
        while let Some(tag) = message.tag()? {
            match tag.field {
                2 => self.status_message = message.text(tag)?,
                3 => self.status_code = message.int32(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(())
    }

    fn check(&self, notes: &mut Notes) -> Result<Checked<'a>, Refusal> {
        let refuse = |cause, what: String| Refusal {
            cause,
            example: format!("span {} with {what}", quoted(self.name)),
        };
        let id = |cause, what, bytes: &[u8]| refuse(cause, format!("{what} {}", shown_id(bytes)));
        let time = |nanos: u64| {
            i64::try_from(nanos).map_err(|_| refuse(BAD_TIME, format!("time {nanos}")))
        };

        if self.trace_id.len() != 16 || is_zero(self.trace_id) {
            return Err(id(BAD_TRACE_ID, "trace id", self.trace_id));
        }
        if self.span_id.len() != 8 || is_zero(self.span_id) {
            return Err(id(BAD_SPAN_ID, "span id", self.span_id));
        }
        let parent = Some(self.parent_span_id).filter(|parent| !is_zero(parent));
        if let Some(parent) = parent.filter(|parent| parent.len() != 8) {
            return Err(id(BAD_PARENT_ID, "parent", parent));
        }
        let start = time(self.start)?;
        let end = time(self.end)?;
        let mut event_times = Vec::with_capacity(self.events.len());
        for event in &self.events {
            event_times.push(match event.time {
                0 => start,
                nanos => time(nanos)?,
            });
            notes.shorten(event.attributes.extra);
        }
        let links = self.links.iter().map(|link| link.to_text(notes)).collect();
        notes.shorten(self.attributes.extra);
        Ok(Checked {
            parent,
            time: start,
            duration: (end != 0).then(|| end - start),
            event_times,
            links,
        })
    }
}

impl<'a> Link<'a> {
    fn read(mut message: Reader<'a>) -> Result<Self, Malformed> {
        let mut link = Self::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => link.trace_id = message.bytes(tag)?,
                2 => link.span_id = message.bytes(tag)?,
                3 => link.trace_state = message.text(tag)?,
                4 => link.attributes.add(message.message(tag)?)?,
                5 => link.dropped_attributes_count = message.uint32(tag)?,
                6 => link.flags = message.fixed32(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(link)
    }

    /// A JSON object of the members that differ from the default; the ids in hex, of any length.
    fn to_text(&self, notes: &mut Notes) -> String {
        let (trace_id, span_id) = (hex(self.trace_id), hex(self.span_id));
        let mut members = Vec::new();
        push_text(&mut members, "trace_id", &trace_id);
        push_text(&mut members, "span_id", &span_id);
        push_text(&mut members, "trace_state", self.trace_state);
        notes.shorten(self.attributes.extra);
        if !self.attributes.entries.is_empty() {
            let attributes = self.attributes.entries.clone();
            members.push(("attributes", Value::Map(attributes)));
        }
        push_count(&mut members, "flags", self.flags);
        push_count(
            &mut members,
            "dropped_attributes_count",
            self.dropped_attributes_count,
        );
        Value::Map(members).to_json()
    }
}
