//! Reads decoded rows back as an exporter would: by the columns, the overflow and
//! `attribute_sources` alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::names::key_of_column;
use crawlspace_model::table::OVERFLOW;

use crate::Decoded;

/// Key to the JSON text of the value.
pub(in crate::otlp) type List = BTreeMap<String, String>;

#[derive(Debug, Default, PartialEq)]
pub(in crate::otlp) struct Attributes {
    pub(in crate::otlp) record: List,
    pub(in crate::otlp) scope: List,
    pub(in crate::otlp) resource: List,
}

/// One cell as JSON text, none when it is null or there is no such column.
pub(in crate::otlp) fn cell(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let array = batch.column_by_name(column)?;
    if array.is_null(row) {
        return None;
    }
    let value = match array.data_type() {
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(..) => {
            Value::Int(array.as_primitive::<TimestampNanosecondType>().value(row))
        }
        DataType::FixedSizeBinary(_) => Value::Bytes(array.as_fixed_size_binary().value(row)),
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(row)),
        DataType::Dictionary(..) => {
            let texts = array
                .as_dictionary::<Int32Type>()
                .downcast_dict::<arrow::array::StringArray>()
                .unwrap();
            return Some(Value::String(texts.into_iter().nth(row).unwrap().unwrap()).to_json());
        }
        other => panic!("column `{column}` is of type {other}"),
    };
    Some(value.to_json())
}

/// All attributes of a row, by column.
fn columns(table: Table, batch: &RecordBatch, row: usize) -> List {
    let fields = batch.schema().fields().clone();
    let names = fields
        .iter()
        .skip(table.fixed_columns().len())
        .map(|field| field.name().clone());
    let mut columns: List = names
        .filter_map(|name| Some((name.clone(), cell(batch, &name, row)?)))
        .collect();
    let overflow = batch.column_by_name(OVERFLOW).unwrap().as_map();
    if overflow.is_valid(row) {
        let entries = overflow.value(row);
        let (keys, values) = (
            entries.column(0).as_string::<i32>(),
            entries.column(1).as_string::<i32>(),
        );
        let keys: Vec<&str> = keys.iter().flatten().collect();
        assert!(
            keys.is_sorted_by(|a, b| a < b),
            "overflow is sorted and unique: {keys:?}"
        );
        for (key, value) in keys.into_iter().zip(values.iter().flatten()) {
            assert_eq!(
                columns.insert(key.into(), value.into()),
                None,
                "`{key}` is stored once"
            );
        }
    }
    columns
}

pub(in crate::otlp) fn attributes(table: Table, batch: &RecordBatch, row: usize) -> Attributes {
    let mut columns = columns(table, batch, row);
    let mut attributes = Attributes::default();
    if let Some(sources) = cell(batch, "attribute_sources", row) {
        let sources: String = serde_json::from_str(&sources).unwrap();
        let sources: BTreeMap<String, Vec<serde_json::Value>> =
            serde_json::from_str(&sources).unwrap();
        for (name, entries) in sources {
            let list = if name.starts_with("resource") {
                &mut attributes.resource
            } else {
                &mut attributes.scope
            };
            for entry in entries {
                let (column, key) = column_and_key(&name, &entry);
                let value = if column == "service.name" {
                    cell(batch, &column, row).unwrap_or_else(|| "\"\"".to_owned())
                } else {
                    columns.remove(&column).unwrap()
                };
                assert_eq!(list.insert(key, value), None);
            }
        }
    }
    attributes.record = columns
        .into_iter()
        .map(|(column, value)| (key_of_column(&column).to_owned(), value))
        .collect();
    attributes
}

fn column_and_key(list: &str, entry: &serde_json::Value) -> (String, String) {
    if let Some(pair) = entry.as_array() {
        return (
            pair[0].as_str().unwrap().to_owned(),
            pair[1].as_str().unwrap().to_owned(),
        );
    }
    let column = entry.as_str().unwrap();
    let key = match list {
        "resource_shadowed" => key_of_column(column).strip_prefix("resource.").unwrap(),
        "scope_shadowed" => key_of_column(column).strip_prefix("scope.").unwrap(),
        _ => key_of_column(column),
    };
    (column.to_owned(), key.to_owned())
}

/// Every batch for people: the attribute columns with their types, then each row without its nulls.
pub(in crate::otlp) fn render(decoded: &Decoded) -> String {
    let mut text = String::new();
    for (table, batch) in &decoded.batches {
        _ = writeln!(text, "## {}", table.name());
        for field in batch
            .schema()
            .fields()
            .iter()
            .skip(table.fixed_columns().len())
        {
            _ = writeln!(text, "{}: {}", field.name(), field.data_type());
        }
        let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        for line in String::from_utf8(writer.into_inner()).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            _ = writeln!(text, "{row:#}");
        }
    }
    text
}
