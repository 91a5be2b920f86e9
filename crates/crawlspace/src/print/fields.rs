//! The fields of a table, and one field with its values.

use comfy_table::{Cell, CellAlignment};
use serde::Deserialize;
use serde_json::Value;

use super::chart::float;
use super::number::{self, counted};
use super::table::new_table;
use super::{Page, fitted, printable};

/// Characters of a value in the list.
const VALUE_WIDTH_MAX: usize = 60;
/// Characters of the longest bar.
const BAR_WIDTH: f64 = 20.0;

#[derive(Deserialize)]
struct Fields {
    table: String,
    events: u64,
    fields: Vec<Field>,
    fields_found: usize,
    damaged_parts: u64,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    r#type: String,
    events: u64,
    exact: bool,
    share: f64,
    first_seen: Option<String>,
    last_seen: Option<String>,
}

#[derive(Deserialize)]
struct FieldDetail {
    table: String,
    #[serde(flatten)]
    field: Field,
    distinct: u64,
    min: Value,
    max: Value,
    values: Vec<FieldValue>,
}

#[derive(Deserialize)]
struct FieldValue {
    value: Value,
    events: Value,
}

/// The JSON of a list of fields as text.
pub fn list(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let fields: Fields = serde_json::from_slice(json)?;
    let of = format!(
        "{} of {} · {}",
        counted(fields.fields_found as u64, "field"),
        fields.table,
        counted(fields.events, "event")
    );
    if fields.fields.is_empty() {
        return Ok(of);
    }
    let mut table = new_table();
    table.set_header(["field", "type", "events", "share", "last seen"]);
    for field in &fields.fields {
        let about = if field.exact { "" } else { "≥ " };
        table.add_row([
            Cell::new(printable(&field.name)),
            Cell::new(&field.r#type),
            right(format!(
                "{about}{}",
                number::grouped(&field.events.to_string())
            )),
            right(format!("{about}{}", percent(field.share))),
            Cell::new(
                field
                    .last_seen
                    .as_deref()
                    .map_or_else(String::new, |time| page.time(time)),
            ),
        ]);
    }
    let mut text = format!("{}\n{}", table.trim_fmt(), page.dimmed(&of));
    if fields.damaged_parts > 0 {
        let damaged = counted(fields.damaged_parts, "damaged part");
        text.push_str(&format!(" · {damaged} set aside: events are missing"));
    }
    Ok(text)
}

/// The JSON of one field as text.
pub fn detail(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let detail: FieldDetail = serde_json::from_slice(json)?;
    let field = &detail.field;
    let shown = |value: &Value| match value {
        Value::String(nanos) if field.r#type == "timestamp_ns" => page.time(nanos),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    };
    let mut text = format!(
        "{} of {}: {} in {} ({}), {}\n",
        printable(&field.name),
        detail.table,
        field.r#type,
        counted(field.events, "event"),
        percent(field.share),
        counted(detail.distinct, "different value"),
    );
    if let (Some(first), Some(last)) = (&field.first_seen, &field.last_seen) {
        text.push_str(&format!(
            "seen from {} to {}\n",
            page.time(first),
            page.time(last)
        ));
    }
    if !detail.min.is_null() {
        let (min, max) = (shown(&detail.min), shown(&detail.max));
        text.push_str(&format!(
            "from {} to {}\n",
            fitted(&min, VALUE_WIDTH_MAX),
            fitted(&max, VALUE_WIDTH_MAX)
        ));
    }
    let greatest = detail
        .values
        .iter()
        .filter_map(|value| float(&value.events));
    let greatest = greatest.fold(1.0, f64::max);
    let mut table = new_table();
    table.set_header(["value", "events", "share", ""]);
    for FieldValue { value, events } in &detail.values {
        let events = float(events).unwrap_or_default();
        let bar = "█".repeat((events / greatest * BAR_WIDTH).round() as usize);
        table.add_row([
            Cell::new(fitted(&shown(value), VALUE_WIDTH_MAX)),
            right(number::amount(events)),
            right(percent(events / (field.events.max(1) as f64))),
            Cell::new(bar),
        ]);
    }
    if !detail.values.is_empty() {
        text.push_str(&table.trim_fmt());
    }
    Ok(text)
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}
