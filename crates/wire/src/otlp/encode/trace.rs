//! Rows of `spans` as spans, with their events.

use std::collections::HashMap;

use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};

use super::cells::Row;
use super::group::Groups;
use super::log::time_sent;
use super::origin::{Origins, Parts};
use super::value::{Members, objects};
use crate::otlp::enums::{SPAN_KIND, STATUS_CODE, number_of};

/// What a span and its events have in common: a span that came twice has its events twice.
type SpanKey = (Vec<u8>, Vec<u8>, u64);

pub(super) fn encode(rows: &[RecordBatch], events: &[RecordBatch]) -> Vec<ResourceSpans> {
    let mut events = events_by_span(events);
    let mut groups = Groups::new();
    let mut origins = Origins::new(Table::Spans);
    for row in Row::all(rows) {
        let parts = origins.parts(row);
        let events = events.remove(&span_key(row)).unwrap_or_default();
        let scope = groups.scope(parts.origin.clone());
        groups.records(scope).push(span(row, parts, events));
    }
    groups.finish()
}

fn span_key(row: Row<'_>) -> SpanKey {
    (
        row.id("trace_id"),
        row.id("span_id"),
        row.time("received_at"),
    )
}

/// In the order of their times.
fn events_by_span(events: &[RecordBatch]) -> HashMap<SpanKey, Vec<Event>> {
    let mut by_span: HashMap<_, Vec<(u64, Event)>> = HashMap::new();
    let mut origins = Origins::new(Table::Logs);
    for row in Row::all(events).filter(|row| row.text("record_type") == Some("span_event")) {
        let Parts {
            attributes,
            members,
            ..
        } = origins.parts(row);
        let event = Event {
            time_unix_nano: time_sent(row, &members),
            name: row.owned_text("event.name"),
            attributes,
            dropped_attributes_count: members.count("dropped_attributes_count"),
        };
        let of_span = by_span.entry(span_key(row)).or_default();
        of_span.push((row.time("time"), event));
    }
    let in_order = |mut events: Vec<(u64, Event)>| {
        events.sort_by_key(|(time, _)| *time);
        events.into_iter().map(|(_, event)| event).collect()
    };
    let spans = by_span.into_iter();
    spans
        .map(|(span, events)| (span, in_order(events)))
        .collect()
}

fn span(row: Row<'_>, parts: Parts, events: Vec<Event>) -> Span {
    let start = row.time("time");
    let end = row
        .int("duration_ns")
        .map(|length| start.wrapping_add_signed(length));
    let status = Status {
        message: row.owned_text("status_message"),
        code: number_of(STATUS_CODE, row.text("status_code").unwrap_or_default()),
    };
    let members = parts.members;
    Span {
        trace_id: row.id("trace_id"),
        span_id: row.id("span_id"),
        trace_state: row.owned_text("trace_state"),
        parent_span_id: row.id("parent_span_id"),
        flags: members.count("flags"),
        name: row.owned_text("name"),
        kind: number_of(SPAN_KIND, row.text("kind").unwrap_or_default()),
        start_time_unix_nano: start,
        end_time_unix_nano: end.unwrap_or_default(),
        attributes: parts.attributes,
        dropped_attributes_count: members.count("dropped_attributes_count"),
        events,
        dropped_events_count: members.count("dropped_events_count"),
        links: objects(row.text("links")).iter().map(link).collect(),
        dropped_links_count: members.count("dropped_links_count"),
        status: (status != Status::default()).then_some(status),
    }
}

fn link(members: &Members) -> Link {
    Link {
        trace_id: members.id("trace_id"),
        span_id: members.id("span_id"),
        trace_state: members.text("trace_state"),
        attributes: members.attributes("attributes"),
        dropped_attributes_count: members.count("dropped_attributes_count"),
        flags: members.count("flags"),
    }
}
