//! Brings a batch from memory to a wanted set of columns without losing a value: what has no fitting column there goes to
//! the row's overflow. Flush, queries and the merging of small batches all do it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, MapArray, MapBuilder, MapFieldNames, RecordBatch, StringArray,
    StringBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef};
use crawlspace_model::attribute::{Kind, Kinds, Value, kind_of_json};
use crawlspace_model::table::{self, OVERFLOW, Table};

use crate::Error;

/// One column of the outcome: where it comes from in the batch, and what it is called and typed afterwards.
#[derive(Debug, Clone)]
pub struct Target {
    /// The column's name in batches: the fixed name, or the attribute's column name.
    pub name: String,
    pub field: Arc<Field>,
}

/// Which values that fit no target column are kept in overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spill {
    /// Those of every attribute column: the outcome stands for the whole row.
    All,
    /// Those of target columns with another type: the outcome is a projection.
    Targets,
}

/// The batch with exactly the target columns.
///
/// # Errors
/// Only for columns of types that no batch has.
pub fn conform(
    batch: &RecordBatch,
    targets: &[Target],
    spill: Spill,
) -> Result<RecordBatch, Error> {
    let schema = batch.schema();
    let fitting = |target: &Target| {
        let (index, field) = schema.column_with_name(&target.name)?;
        (field.data_type() == target.field.data_type()).then_some(index)
    };
    let kept: BTreeSet<usize> = targets.iter().filter_map(fitting).collect();
    let named: BTreeSet<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let fixed = fixed_count(&schema);
    let spilled: Vec<usize> = (fixed..schema.fields().len())
        .filter(|index| !kept.contains(index))
        .filter(|index| spill == Spill::All || named.contains(schema.field(*index).name().as_str()))
        .collect();
    // One array for all columns of a type that the batch has not: there are many.
    let mut nothing: Vec<ArrayRef> = Vec::new();
    let columns = targets.iter().map(|target| match fitting(target) {
        Some(_) if target.name == OVERFLOW && !spilled.is_empty() => with_spilled(batch, &spilled),
        Some(index) => Ok(Arc::clone(batch.column(index))),
        None => {
            let wanted = target.field.data_type();
            let known = nothing.iter().find(|array| array.data_type() == wanted);
            let array = known.cloned().unwrap_or_else(|| {
                let array = new_null_array(wanted, batch.num_rows());
                nothing.push(Arc::clone(&array));
                array
            });
            Ok(array)
        }
    });
    let columns = columns.collect::<Result<Vec<_>, Error>>()?;
    let fields: Vec<Arc<Field>> = targets
        .iter()
        .map(|target| Arc::clone(&target.field))
        .collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        columns,
        &options,
    )?)
}

/// Two batches of one table as one, the rows of `first` before those of `second`.
///
/// # Errors
/// Only for columns of types that no batch has.
pub fn merge(
    table: Table,
    first: &RecordBatch,
    second: &RecordBatch,
) -> Result<RecordBatch, Error> {
    let fixed = table.fixed_columns().len();
    let mut fields: BTreeMap<String, Arc<Field>> = BTreeMap::new();
    for schema in [first.schema(), second.schema()] {
        for field in &schema.fields()[fixed..] {
            if fields.len() < table::ATTRIBUTE_COLUMNS_MAX {
                fields
                    .entry(field.name().clone())
                    .or_insert_with(|| Arc::clone(field));
            }
        }
    }
    let fixed_fields = first.schema().fields()[..fixed].to_vec();
    let targets: Vec<Target> = fixed_fields
        .into_iter()
        .chain(fields.into_values())
        .map(|field| Target {
            name: field.name().clone(),
            field,
        })
        .collect();
    let parts = [
        conform(first, &targets, Spill::All)?,
        conform(second, &targets, Spill::All)?,
    ];
    Ok(arrow::compute::concat_batches(&parts[0].schema(), &parts)?)
}

/// The number of fixed columns at the front of a batch: `overflow` is the last of them.
fn fixed_count(schema: &SchemaRef) -> usize {
    schema
        .fields()
        .iter()
        .position(|field| field.name() == OVERFLOW)
        .map_or(0, |index| index + 1)
}

/// The attribute columns of a batch.
pub fn attribute_fields(batch: &RecordBatch) -> impl Iterator<Item = (usize, Arc<Field>)> + use<> {
    let schema = batch.schema();
    (fixed_count(&schema)..schema.fields().len())
        .map(move |index| (index, Arc::clone(&schema.fields()[index])))
}

/// The kind of value a column of this type holds.
#[must_use]
pub fn kind_of_type(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Int64 => Kind::Int,
        DataType::Float64 => Kind::Double,
        DataType::Boolean => Kind::Bool,
        _ => Kind::String,
    }
}

/// The keys in a batch's overflow and the kinds of their values.
#[must_use]
pub fn overflow_kinds(batch: &RecordBatch) -> BTreeMap<String, Kinds> {
    let mut keys = BTreeMap::new();
    let Some(column) = batch.column_by_name(OVERFLOW) else {
        return keys;
    };
    let map = column.as_map();
    let (names, texts) = (
        map.keys().as_string::<i32>(),
        map.values().as_string::<i32>(),
    );
    let offsets = map.value_offsets();
    let Ok(range) = usize::try_from(offsets[0])
        .and_then(|start| Ok(start..usize::try_from(offsets[map.len()])?))
    else {
        return keys;
    };
    for index in range {
        let kinds = Kinds::of(kind_of_json(texts.value(index)));
        match keys.get_mut(names.value(index)) {
            Some(known) => *known = kinds.union(*known),
            None => _ = keys.insert(names.value(index).to_owned(), kinds),
        }
    }
    keys
}

/// The overflow column with the values of some attribute columns added, keys in order.
fn with_spilled(batch: &RecordBatch, spilled: &[usize]) -> Result<ArrayRef, Error> {
    let schema = batch.schema();
    let present = batch
        .column_by_name(OVERFLOW)
        .map(|column| column.as_map().clone());
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "key".into(),
        value: "value".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in 0..batch.num_rows() {
        let mut entries: BTreeMap<&str, String> = BTreeMap::new();
        let old = present
            .as_ref()
            .filter(|map| map.is_valid(row))
            .map(|map| map_entries(map, row));
        for (key, text) in old.into_iter().flatten() {
            entries.insert(key, text.to_owned());
        }
        for index in spilled {
            if let Some(text) = json_at(batch.column(*index), row) {
                entries.insert(schema.field(*index).name(), text);
            }
        }
        for (key, text) in &entries {
            builder.keys().append_value(key);
            builder.values().append_value(text);
        }
        builder.append(!entries.is_empty())?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The keys and texts of one row's overflow.
pub fn map_entries(map: &MapArray, row: usize) -> impl Iterator<Item = (&str, &str)> {
    let offsets = map.value_offsets();
    let (start, end) = (
        offsets[row].unsigned_abs() as usize,
        offsets[row + 1].unsigned_abs() as usize,
    );
    let (keys, values): (&StringArray, &StringArray) =
        (map.keys().as_string(), map.values().as_string());
    (start..end).map(move |index| (keys.value(index), values.value(index)))
}

/// The exact text of an attribute's value; `None` where the row has none.
#[must_use]
pub fn json_at(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let value = match column.data_type() {
        DataType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Utf8View => Value::String(column.as_string_view().value(row)),
        DataType::Utf8 => Value::String(column.as_string::<i32>().value(row)),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let key = dictionary.key(row)?;
            Value::String(dictionary.values().as_string::<i32>().value(key))
        }
        _ => return None,
    };
    Some(value.to_json())
}

#[cfg(test)]
mod tests;
