//! Logs: log records, events among them, as rows of `logs`.

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;

use super::notes::{Notes, Refusal};
use super::origin::{Origin, Source};
use super::protobuf::{Malformed, Reader};
use super::row::{is_zero, push_count, push_no_time, set_members, set_text, shown_id};
use super::tree::{self, Failure, Intake, add_resources};
use super::value::{self, Attributes, Lists, RowList};
use crate::Decoded;
use crate::batch::{Cell, TEXT_BYTES_MAX, TableBuilder};

const BAD_TIME: &str = "log records refused because a time is after the year 2262";
const BAD_TRACE_ID: &str = "log records stored without their trace id, which is not 16 bytes";
const BAD_SPAN_ID: &str = "log records stored without their span id, which is not 8 bytes";

/// The rows of an `ExportLogsServiceRequest`.
///
/// # Errors
/// When the body is none, or the rows would take too much memory.
pub(super) fn decode(body: &[u8], intake: Intake) -> Result<Decoded, Failure> {
    let mut rows = Rows {
        logs: TableBuilder::new(Table::Logs),
        intake,
        lists: Lists::default(),
    };
    add_resources(body, &mut rows)?;
    let accepted = rows.logs.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.logs]))
}

struct Rows<'a> {
    logs: TableBuilder,
    intake: Intake,
    /// The attributes of the record that is being read.
    lists: Lists<'a>,
}

/// A log record as it was read.
#[derive(Default)]
struct Log<'a> {
    time: u64,
    observed_time: u64,
    severity_number: i32,
    severity_text: &'a str,
    body: Option<Value<'a>>,
    attributes: RowList<'a>,
    dropped_attributes_count: u32,
    flags: u32,
    trace_id: &'a [u8],
    span_id: &'a [u8],
    event_name: &'a str,
}

/// What a log record that is fit to be stored needed conversion for.
struct Checked<'a> {
    time: i64,
    observed: Option<i64>,
    trace_id: Option<&'a [u8]>,
    span_id: Option<&'a [u8]>,
}

impl<'a> tree::Rows<'a> for Rows<'a> {
    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn add_scope(&mut self, source: &Source<'_>, records: &[Reader<'a>]) -> Result<(), Failure> {
        self.logs.expect_rows(records.len());
        let mut origin = Origin::new(&mut self.logs, source);
        for record in records {
            let log = self.read(*record)?;
            match log.check(&mut self.intake) {
                Ok(checked) => self.add(&log, &checked, &mut origin, &source.carried)?,
                Err(refusal) => self.intake.refuse(refusal),
            }
        }
        origin.finish(&mut self.logs);
        Ok(())
    }
}

impl<'a> Rows<'a> {
    fn read(&mut self, mut message: Reader<'a>) -> Result<Log<'a>, Malformed> {
        self.lists.clear();
        let mut log = Log::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => log.time = message.fixed64(tag)?,
                2 => log.severity_number = message.int32(tag)?,
                3 => log.severity_text = message.text(tag)?,
                5 => {
                    let body = log.body.get_or_insert(Value::Null);
                    value::merge(body, message.message(tag)?)?;
                }
                6 => {
                    let entry = message.message(tag)?;
                    self.lists.add(&mut log.attributes, entry, &mut self.logs)?;
                }
                7 => log.dropped_attributes_count = message.uint32(tag)?,
                8 => log.flags = message.fixed32(tag)?,
                9 => log.trace_id = message.bytes(tag)?,
                10 => log.span_id = message.bytes(tag)?,
                11 => log.observed_time = message.fixed64(tag)?,
                12 => log.event_name = message.text(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(log)
    }

    fn add(
        &mut self,
        log: &Log<'_>,
        checked: &Checked<'_>,
        origin: &mut Origin<'_>,
        carried: &Attributes<'_>,
    ) -> Result<(), Failure> {
        let row = &mut self.logs;
        row.set("time", Cell::Time(checked.time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        if let Some(observed) = checked.observed {
            row.set("observed_time", Cell::Time(observed));
        }
        if let Some(trace_id) = checked.trace_id {
            row.set("trace_id", Cell::Bytes(trace_id));
        }
        if let Some(span_id) = checked.span_id {
            row.set("span_id", Cell::Bytes(span_id));
        }
        row.set("record_type", Cell::Text("log"));
        set_text(row, "event.name", log.event_name);
        if log.severity_number != 0 {
            row.set("severity_number", Cell::Int32(log.severity_number));
        }
        set_text(row, "severity_text", log.severity_text);
        let mut members = Vec::new();
        push_no_time(&mut members, log.time);
        set_body(row, log.body.as_ref(), &mut members);
        self.lists.put(&log.attributes, row);
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
        tree::check_size(row.size_bytes())
    }
}

impl<'a> Log<'a> {
    fn check(&self, intake: &mut Intake) -> Result<Checked<'a>, Refusal> {
        let time = |nanos: u64| {
            let nonzero = (nanos != 0).then_some(nanos).map(i64::try_from);
            nonzero.transpose().map_err(|_| Refusal {
                cause: BAD_TIME,
                example: format!("one with time {nanos}"),
            })
        };
        let observed = time(self.observed_time)?;
        let sent = time(self.time)?;
        let notes = &mut intake.notes;
        notes.shorten(self.attributes.extra);
        Ok(Checked {
            time: sent.or(observed).unwrap_or(intake.received_at.0),
            observed,
            trace_id: valid_id(self.trace_id, 16, BAD_TRACE_ID, notes),
            span_id: valid_id(self.span_id, 8, BAD_SPAN_ID, notes),
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

/// A text as it is. Any other value as JSON, which a member tells apart; but cut, it is no JSON any
/// more.
fn set_body(row: &mut TableBuilder, body: Option<&Value<'_>>, members: &mut Attributes<'_>) {
    match body {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => row.set("body", Cell::Text(text)),
        Some(other) => {
            let text = other.to_json();
            row.set("body", Cell::Text(&text));
            if text.len() <= TEXT_BYTES_MAX {
                members.push(("body", Value::String("json")));
            }
        }
    }
}
