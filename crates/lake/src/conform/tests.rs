use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, MapArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use crawlspace_model::Table;
use crawlspace_model::table::{OVERFLOW, overflow_type, text_type};

use super::{Spill, Target, conform, map_entries, merge, overflow_kinds};

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(
        values
            .iter()
            .copied()
            .collect::<arrow::array::DictionaryArray<Int32Type>>(),
    )
}

/// A batch of the changes table with empty fixed columns and some attributes.
fn batch(rows: usize, attributes: &[(&str, ArrayRef)]) -> RecordBatch {
    let fixed = Table::Changes.fixed_schema();
    let optional = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
    let mut fields: Vec<Arc<Field>> = fixed.fields().iter().map(optional).collect();
    let mut columns: Vec<ArrayRef> = fields
        .iter()
        .map(|field| arrow::array::new_null_array(field.data_type(), rows))
        .collect();
    for (name, values) in attributes {
        fields.push(Arc::new(Field::new(
            *name,
            values.data_type().clone(),
            true,
        )));
        columns.push(Arc::clone(values));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn overflow(rows: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let map: &MapArray = rows.column_by_name(OVERFLOW).unwrap().as_map();
    map_entries(map, row)
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn values_that_fit_no_column_go_to_overflow_and_keep_their_kind() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let rows = batch(
        2,
        &[
            ("a", Arc::clone(&numbers)),
            ("b", text(&[None, Some("x\"")])),
        ],
    );
    let target = |name: &str, data_type: DataType| Target {
        name: name.to_owned(),
        field: Arc::new(Field::new(name, data_type, true)),
    };
    let targets = [target(OVERFLOW, overflow_type()), target("a", text_type())];
    let whole = conform(&rows, &targets, Spill::All).unwrap();
    assert_eq!(overflow(&whole, 0), [("a".to_owned(), "1".to_owned())]);
    assert_eq!(
        overflow(&whole, 1),
        [("b".to_owned(), "\"x\\\"\"".to_owned())]
    );
    assert_eq!(whole.column(1).null_count(), 2);
    let projected = conform(&rows, &targets, Spill::Targets).unwrap();
    assert_eq!(overflow(&projected, 1), []);
    assert_eq!(overflow_kinds(&whole).len(), 2);
}

#[test]
fn merging_keeps_every_value_of_both() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let words: ArrayRef = text(&[Some("seven")]);
    let merged = merge(
        Table::Changes,
        &batch(1, &[("a", numbers)]),
        &batch(1, &[("a", words), ("c", text(&[Some("z")]))]),
    )
    .unwrap();
    assert_eq!(merged.num_rows(), 2);
    assert_eq!(overflow(&merged, 0), []);
    assert_eq!(
        overflow(&merged, 1),
        [("a".to_owned(), "\"seven\"".to_owned())]
    );
    let c = arrow::compute::cast(merged.column_by_name("c").unwrap(), &DataType::Utf8).unwrap();
    assert_eq!(
        c.as_string::<i32>().iter().collect::<StringArray>(),
        StringArray::from(vec![None, Some("z")])
    );
}
