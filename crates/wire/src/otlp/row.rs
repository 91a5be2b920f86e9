//! What the rows of all signals are written with: optional texts, attributes, lists in JSON, and
//! the members of the column `otlp`.

use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;

use super::value::Attributes;
use crate::batch::{Cell, TEXT_BYTES_MAX, TableBuilder};

/// Sets a text column, to null when the text is empty.
pub(super) fn set_text(row: &mut TableBuilder, column: &str, text: &str) {
    if !text.is_empty() {
        row.set(column, Cell::Text(text));
    }
}

/// Sets the column `otlp`: compact JSON of what OTLP carried and no column holds, null when that is
/// nothing.
pub(super) fn set_members(row: &mut TableBuilder, members: Attributes<'_>) {
    if let Some(text) = json_object(members) {
        row.set("otlp", Cell::Json(&text));
    }
}

/// The items as one JSON list; those that would make it longer than a text may be are left out, and
/// the row says so.
pub(super) fn set_list(row: &mut TableBuilder, column: &str, items: &[String]) {
    let mut text = String::new();
    for item in items {
        if text.len() + item.len() + 2 > TEXT_BYTES_MAX {
            row.mark_truncated(column);
            break;
        }
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(item);
    }
    if !text.is_empty() {
        text.push(']');
        row.set(column, Cell::Json(&text));
    }
}

/// Compact JSON of the members; None when there are none.
pub(super) fn json_object(members: Attributes<'_>) -> Option<String> {
    (!members.is_empty()).then(|| Value::Map(members).to_json())
}

/// The member `name` for a number, unless it is the default.
pub(super) fn push_count<'a>(members: &mut Attributes<'a>, name: &'a str, count: u32) {
    if count != 0 {
        members.push((name, Value::Int(count.into())));
    }
}

/// The member `name` for a text, unless it is empty.
pub(super) fn push_text<'a>(members: &mut Attributes<'a>, name: &'a str, text: &'a str) {
    if !text.is_empty() {
        members.push((name, Value::String(text)));
    }
}

/// The member that says that the record was sent without a time, and the column has another.
pub(super) fn push_no_time(members: &mut Attributes<'_>, nanos: u64) {
    if nanos == 0 {
        members.push(("time_unix_nano", Value::Int(0)));
    }
}

/// True for no bytes, too.
pub(super) fn is_zero(id: &[u8]) -> bool {
    id.iter().all(|byte| *byte == 0)
}

/// An id for the example of a refusal, with the length that it has.
pub(super) fn shown_id(id: &[u8]) -> String {
    format!("`{}` ({} bytes)", hex(&id[..id.len().min(20)]), id.len())
}
