//! Rows of `logs` as log records.

use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};

use super::cells::Row;
use super::group::Groups;
use super::origin::{Origins, Parts};
use super::value::{Members, any, parse};

pub(super) fn encode(rows: &[RecordBatch]) -> Vec<ResourceLogs> {
    let mut groups = Groups::new();
    let mut origins = Origins::new(Table::Logs);
    for row in Row::all(rows).filter(|row| row.text("record_type") != Some("span_event")) {
        let Parts {
            attributes,
            members,
            origin,
        } = origins.parts(row);
        let record = LogRecord {
            time_unix_nano: time_sent(row, &members),
            observed_time_unix_nano: row.time("observed_time"),
            severity_number: row.int32("severity_number").unwrap_or_default(),
            severity_text: row.owned_text("severity_text"),
            body: body(row, &members),
            attributes,
            dropped_attributes_count: members.count("dropped_attributes_count"),
            flags: members.count("flags"),
            trace_id: row.id("trace_id"),
            span_id: row.id("span_id"),
            event_name: row.owned_text("event.name"),
        };
        let scope = groups.scope(origin);
        groups.records(scope).push(record);
    }
    groups.finish()
}

/// 0 for a record that came without a time, whatever the column has.
pub(super) fn time_sent(row: Row<'_>, members: &Members) -> u64 {
    if members.has("time_unix_nano") {
        return 0;
    }
    row.time("time")
}

fn body(row: Row<'_>, members: &Members) -> Option<AnyValue> {
    let text = row.text("body")?;
    let as_text = || any(Any::StringValue(text.to_owned()));
    Some(if members.has("body") {
        parse(text).unwrap_or_else(as_text)
    } else {
        as_text()
    })
}
