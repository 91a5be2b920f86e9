//! The attributes of rows, put back where they came from: to the record itself, its resource or its scope.

use std::collections::HashMap;
use std::rc::Rc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use crawlspace_lake::{json_at, map_entries};
use crawlspace_model::names::{RESOURCE_PREFIX, SCOPE_PREFIX, key_of_column};
use crawlspace_model::table::OVERFLOW;
use serde_json::{Map, Number, Value};

use super::found::Found;

/// Of the record itself, of its resource and of its scope, under the keys they came with.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub own: Map<String, Value>,
    pub resource: Map<String, Value>,
    pub scope: Map<String, Value>,
}

/// Reads the attributes of the rows of one batch.
pub(super) struct AttributeReader<'a> {
    /// Those that some row has a value of.
    columns: Vec<(&'a str, &'a ArrayRef)>,
    overflow: Found<'a, MapArray>,
    sources: Found<'a, StringViewArray>,
    /// Most rows say the same of where theirs came from.
    known: HashMap<&'a str, Rc<Places>>,
}

impl<'a> AttributeReader<'a> {
    pub fn new(rows: &'a RecordBatch) -> Self {
        let schema = rows.schema_ref();
        let fixed = schema.index_of(OVERFLOW).map_or(0, |index| index + 1);
        let columns = schema.fields().iter().zip(rows.columns()).skip(fixed);
        Self {
            columns: columns
                .filter(|(_, values)| values.null_count() < values.len())
                .map(|(field, values)| (field.name().as_str(), values))
                .collect(),
            overflow: Found::new(rows, OVERFLOW),
            sources: Found::new(rows, "attribute_sources"),
            known: HashMap::new(),
        }
    }

    pub fn at(&mut self, row: usize) -> Attributes {
        let text = self.sources.at(row).unwrap_or_default();
        let places = self
            .known
            .entry(text)
            .or_insert_with(|| Rc::new(Places::read(text)));
        let places = Rc::clone(places);
        let mut found = Attributes::default();
        for (name, values) in &self.columns {
            if let Some(value) = value_at(values, row) {
                found.put(&places, name, value);
            }
        }
        if let Some(overflow) = self.overflow.column(row) {
            for (name, json) in map_entries(overflow, row) {
                found.put(&places, name, exact(json));
            }
        }
        found
    }
}

impl Attributes {
    fn put(&mut self, places: &Places, column: &str, value: Value) {
        let (into, key) = match places.0.get(column) {
            Some((Origin::Resource, key)) => (&mut self.resource, key.as_str()),
            Some((Origin::Scope, key)) => (&mut self.scope, key.as_str()),
            None => (&mut self.own, key_of_column(column)),
        };
        into.insert(key.to_owned(), value);
    }
}

#[derive(Debug, Clone, Copy)]
enum Origin {
    Resource,
    Scope,
}

/// The columns that came from the resource and the scope, each with the key it came with.
#[derive(Debug, Default)]
struct Places(HashMap<String, (Origin, String)>);

impl Places {
    fn read(text: &str) -> Self {
        let sources: Sources = serde_json::from_str(text).unwrap_or_default();
        let mut places = HashMap::new();
        for (origin, names, prefix) in [
            (Origin::Resource, &sources.resource, ""),
            (
                Origin::Resource,
                &sources.resource_shadowed,
                RESOURCE_PREFIX,
            ),
            (Origin::Scope, &sources.scope, ""),
            (Origin::Scope, &sources.scope_shadowed, SCOPE_PREFIX),
        ] {
            for source in names {
                let (column, key) = source.column_and_key(prefix);
                places
                    .entry(column.to_owned())
                    .or_insert_with(|| (origin, key.to_owned()));
            }
        }
        Self(places)
    }
}

/// Which columns of a row came from the resource and the scope, as the row has it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Sources {
    resource: Vec<Source>,
    scope: Vec<Source>,
    resource_shadowed: Vec<Source>,
    scope_shadowed: Vec<Source>,
}

/// A column, with the key it came with where the column's name does not tell.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Source {
    Column(String),
    Renamed(String, String),
}

impl Source {
    fn column_and_key(&self, prefix: &str) -> (&str, &str) {
        match self {
            Self::Renamed(column, key) => (column, key),
            Self::Column(column) => {
                let key = key_of_column(column);
                (column, key.strip_prefix(prefix).unwrap_or(key))
            }
        }
    }
}

/// The value of an attribute; whole numbers that doubles can't hold are text. What JSON can't say is as in overflow.
fn value_at(values: &ArrayRef, row: usize) -> Option<Value> {
    if values.is_null(row) {
        return None;
    }
    match values.data_type() {
        DataType::Int64 => Some(exact_number(values.as_primitive::<Int64Type>().value(row))),
        DataType::Boolean => Some(Value::Bool(values.as_boolean().value(row))),
        DataType::Utf8View => Some(values.as_string_view().value(row).into()),
        DataType::Float64 => {
            let number = Number::from_f64(values.as_primitive::<Float64Type>().value(row));
            number
                .map(Value::Number)
                .or_else(|| json_at(values, row).map(|json| exact(&json)))
        }
        _ => json_at(values, row).map(|json| exact(&json)),
    }
}

fn exact_number(number: i64) -> Value {
    const EXACT_MAX: u64 = 1 << 53;
    if number.unsigned_abs() > EXACT_MAX {
        return number.to_string().into();
    }
    number.into()
}

/// A JSON text as a value, as exactly as [`value_at`].
fn exact(json: &str) -> Value {
    match serde_json::from_str(json) {
        Ok(Value::Number(number)) => match (number.as_i64(), json.parse()) {
            (Some(whole), _) => exact_number(whole),
            // That parser's last digit may be another.
            (None, Ok(double)) => {
                Number::from_f64(double).map_or(Value::Number(number), Value::Number)
            }
            (None, Err(_)) => Value::Number(number),
        },
        Ok(value) => value,
        Err(_) => Value::String(json.to_owned()),
    }
}
