//! Logs: log records, events among them, as rows of `logs`.

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::origin::{Origin, Source};
use super::tree::{self, add_resources, check_size};
use super::value::{Attributes, TooDeep, attributes, set_attributes, value};
use crate::batch::{Cell, TEXT_BYTES_MAX, TableBuilder};
use crate::otlp::notes::{Notes, Refusal};
use crate::otlp::row::{is_zero, push_count, push_no_time, set_members, set_text, shown_id};
use crate::otlp::tree::Intake;
use crate::{Decoded, Error};

const BAD_TIME: &str = "log records refused because a time is after the year 2262";
const TOO_DEEP: &str =
    "log records refused because a body or an attribute value is nested deeper than 64";
const BAD_TRACE_ID: &str = "log records stored without their trace id, which is not 16 bytes";
const BAD_SPAN_ID: &str = "log records stored without their span id, which is not 8 bytes";

/// The rows of a decoded request, whatever it was written in.
///
/// # Errors
/// `TooLarge` when they would take too much memory.
pub(super) fn decode(request: &ExportLogsServiceRequest, intake: Intake) -> Result<Decoded, Error> {
    let mut rows = Rows {
        logs: TableBuilder::new(Table::Logs),
        intake,
    };
    add_resources(&request.resource_logs, &mut rows)?;
    let accepted = rows.logs.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.logs]))
}

struct Rows {
    logs: TableBuilder,
    intake: Intake,
}

impl tree::Rows for Rows {
    type Record = LogRecord;
    const TOO_DEEP: &'static str = TOO_DEEP;

    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn count(_: &LogRecord) -> u64 {
        1
    }

    fn add_scope(&mut self, source: &Source<'_>, records: &[LogRecord]) -> Result<(), Error> {
        let mut origin = Origin::new(Table::Logs, source);
        for log in records {
            match Record::check(log, &mut self.intake) {
                Ok(record) => self.add(&record, &mut origin, &source.carried)?,
                Err(refusal) => self.intake.refuse(refusal),
            }
        }
        Ok(())
    }
}

/// A log record that is fit to be stored, with what had to be converted to know that.
struct Record<'a> {
    log: &'a LogRecord,
    time: i64,
    observed: Option<i64>,
    trace_id: Option<&'a [u8]>,
    span_id: Option<&'a [u8]>,
    body: Value<'a>,
    attributes: Attributes<'a>,
}

impl<'a> Record<'a> {
    fn check(log: &'a LogRecord, intake: &mut Intake) -> Result<Self, Refusal> {
        let refuse = |cause, what: &str| Refusal {
            cause,
            example: format!("one with {what}"),
        };
        let time = |nanos: u64| {
            let nonzero = (nanos != 0).then_some(nanos).map(i64::try_from);
            nonzero
                .transpose()
                .map_err(|_| refuse(BAD_TIME, &format!("time {nanos}")))
        };
        let too_deep = |TooDeep| refuse(TOO_DEEP, &format!("time {}", log.time_unix_nano));
        let observed = time(log.observed_time_unix_nano)?;
        let body = log
            .body
            .as_ref()
            .map_or(Ok(Value::Null), |any| value(any, 0));
        let notes = &mut intake.notes;
        Ok(Self {
            log,
            time: time(log.time_unix_nano)?
                .or(observed)
                .unwrap_or(intake.received_at.0),
            observed,
            body: body.map_err(too_deep)?,
            attributes: attributes(&log.attributes, notes).map_err(too_deep)?,
            trace_id: valid_id(&log.trace_id, 16, BAD_TRACE_ID, notes),
            span_id: valid_id(&log.span_id, 8, BAD_SPAN_ID, notes),
        })
    }
}

/// The id, unless it is of another length or all zero, which says that there is none.
fn valid_id<'a>(
    id: &'a [u8],
    width: usize,
    cause: &'static str,
    notes: &mut Notes,
) -> Option<&'a [u8]> {
    if is_zero(id) {
        return None;
    }
    if id.len() != width {
        notes.add(cause, 1, || shown_id(id));
        return None;
    }
    Some(id)
}

impl Rows {
    fn add(
        &mut self,
        record: &Record<'_>,
        origin: &mut Origin<'_>,
        carried: &Attributes<'_>,
    ) -> Result<(), Error> {
        let (log, row) = (record.log, &mut self.logs);
        row.set("time", Cell::Time(record.time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        if let Some(observed) = record.observed {
            row.set("observed_time", Cell::Time(observed));
        }
        if let Some(trace_id) = record.trace_id {
            row.set("trace_id", Cell::Bytes(trace_id));
        }
        if let Some(span_id) = record.span_id {
            row.set("span_id", Cell::Bytes(span_id));
        }
        row.set("record_type", Cell::Text("log"));
        set_text(row, "event.name", &log.event_name);
        if log.severity_number != 0 {
            row.set("severity_number", Cell::Int32(log.severity_number));
        }
        set_text(row, "severity_text", &log.severity_text);
        let mut members = Vec::new();
        push_no_time(&mut members, log.time_unix_nano);
        set_body(row, &record.body, &mut members);
        set_attributes(row, &record.attributes);
        origin.write(row, 1.0);
        push_count(&mut members, "flags", log.flags);
        push_count(
            &mut members,
            "dropped_attributes_count",
            log.dropped_attributes_count,
        );
        members.extend(carried.iter().cloned());
        set_members(row, members);
        row.end_row();
        check_size(row.size_bytes())
    }
}

/// A text as it is. Any other value as JSON, which a member tells apart; but cut, it is no JSON any
/// more.
fn set_body(row: &mut TableBuilder, body: &Value<'_>, members: &mut Attributes<'_>) {
    match body {
        Value::Null => {}
        Value::String(text) => row.set("body", Cell::Text(text)),
        other => {
            let text = other.to_json();
            row.set("body", Cell::Text(&text));
            if text.len() <= TEXT_BYTES_MAX {
                members.push(("body", Value::String("json")));
            }
        }
    }
}
