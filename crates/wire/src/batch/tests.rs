//! Batches from rows: types, overflow, limits, cuts.

use arrow::array::{Array as _, AsArray as _, MapArray, StructArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::table::{ATTRIBUTE_COLUMNS_MAX, OVERFLOW, overflow_type};

use super::{COLUMN_NAME_BYTES_MAX, Cell, TEXT_BYTES_MAX, TableBuilder};

/// Closes a row of `changes` with all its required columns.
fn end_row(builder: &mut TableBuilder) {
    builder.set("time", Cell::Time(1));
    builder.set("received_at", Cell::Time(2));
    builder.set("kind", Cell::Text("deploy"));
    builder.set("name", Cell::Text("shop"));
    builder.set("sample_weight", Cell::Double(1.0));
    builder.end_row();
}

fn overflow(batch: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let map: &MapArray = batch.column_by_name(OVERFLOW).unwrap().as_map();
    if map.is_null(row) {
        return Vec::new();
    }
    let entries: StructArray = map.value(row);
    let (keys, values) = (
        entries.column(0).as_string::<i32>(),
        entries.column(1).as_string::<i32>(),
    );
    (0..entries.len())
        .map(|i| (keys.value(i).to_owned(), values.value(i).to_owned()))
        .collect()
}

fn attribute_columns(batch: &RecordBatch, table: Table) -> Vec<(String, DataType)> {
    let fields = batch.schema().fields().clone();
    let attributes = fields.iter().skip(table.fixed_columns().len());
    attributes
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect()
}

#[test]
fn every_fixed_column_takes_a_cell_of_its_type_and_pads_the_rest() {
    for table in Table::ALL {
        let mut builder = TableBuilder::new(table);
        for row in 0..3 {
            for column in table
                .fixed_columns()
                .iter()
                .filter(|column| column.name != OVERFLOW)
            {
                if column.nullable && row != 1 {
                    continue;
                }
                let cell = match &column.data_type {
                    DataType::Timestamp(..) => Cell::Time(i64::MAX),
                    DataType::Int64 => Cell::Int(i64::MIN),
                    DataType::Int32 => Cell::Int32(-1),
                    DataType::UInt64 => Cell::Unsigned(u64::MAX),
                    DataType::Float64 => Cell::Double(0.5),
                    DataType::Boolean => Cell::Bool(true),
                    DataType::FixedSizeBinary(16) => Cell::Bytes(&[1; 16]),
                    DataType::FixedSizeBinary(_) => Cell::Bytes(&[1; 8]),
                    DataType::List(item) if *item.data_type() == DataType::Float64 => {
                        Cell::Doubles(&[0.5])
                    }
                    DataType::List(_) => Cell::UnsignedList(&[1, 2]),
                    _ => Cell::Text("text"),
                };
                builder.set(column.name, cell);
            }
            builder.end_row();
        }
        let batch = builder.finish();
        assert_eq!(*batch.schema(), table.fixed_schema());
        for column in table.fixed_columns() {
            let nulls = batch.column_by_name(column.name).unwrap().null_count();
            let expected = if column.name == OVERFLOW {
                3
            } else {
                2 * usize::from(column.nullable)
            };
            assert_eq!(nulls, expected, "{} of {}", column.name, table.name());
        }
    }
}

#[test]
fn the_first_typed_value_decides_the_column_and_others_overflow() {
    let mut builder = TableBuilder::new(Table::Changes);
    let rows: [&[(&str, Value<'_>)]; 4] = [
        &[
            ("z", Value::Int(1)),
            ("late", Value::Null),
            ("list", Value::List(vec![Value::Int(1)])),
        ],
        &[
            ("a", Value::String("x")),
            ("z", Value::Double(1.0)),
            ("late", Value::Double(f64::NAN)),
        ],
        &[],
        &[
            ("late", Value::Int(7)),
            ("a", Value::Bool(true)),
            ("z", Value::Int(2)),
            ("b", Value::Bool(false)),
        ],
    ];
    for row in rows {
        for (column, value) in row {
            assert!(builder.attribute(column, value));
            assert!(
                !builder.attribute(column, &Value::String("again")),
                "a row has a key once"
            );
        }
        end_row(&mut builder);
    }
    assert_eq!(builder.rows(), 4);
    let batch = builder.finish();
    let columns = attribute_columns(&batch, Table::Changes);
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "late", "z"]);
    let z = batch
        .column_by_name("z")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(z.iter().collect::<Vec<_>>(), [Some(1), None, None, Some(2)]);
    assert_eq!(columns[2].1, DataType::Float64);
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    };
    assert_eq!(
        overflow(&batch, 0),
        pairs(&[("late", "null"), ("list", "[1]")])
    );
    assert_eq!(overflow(&batch, 1), pairs(&[("z", "1.0")]));
    assert_eq!(overflow(&batch, 2), pairs(&[]));
    assert_eq!(overflow(&batch, 3), pairs(&[("a", "true"), ("late", "7")]));
    assert_eq!(
        batch.column_by_name(OVERFLOW).unwrap().data_type(),
        &overflow_type()
    );
}

#[test]
fn keys_beyond_the_column_limits_overflow() {
    let mut builder = TableBuilder::new(Table::Changes);
    let long = "k".repeat(COLUMN_NAME_BYTES_MAX + 1);
    builder.attribute(&long, &Value::Int(0));
    for i in 0..=ATTRIBUTE_COLUMNS_MAX {
        builder.attribute(&format!("key{i:04}"), &Value::Int(1));
    }
    end_row(&mut builder);
    let batch = builder.finish();
    assert_eq!(
        attribute_columns(&batch, Table::Changes).len(),
        ATTRIBUTE_COLUMNS_MAX
    );
    let expected = [
        ("key1000".to_owned(), "1".to_owned()),
        (long, "0".to_owned()),
    ];
    assert_eq!(overflow(&batch, 0), expected);
}

#[test]
fn long_texts_are_cut_at_a_character_and_marked() {
    let mut builder = TableBuilder::new(Table::Changes);
    // Two bytes per letter, one byte before them: the limit is within a letter.
    let long = format!("-{}", "ж".repeat(TEXT_BYTES_MAX / 2));
    let list = vec![Value::Int(10_000); TEXT_BYTES_MAX / 4];
    builder.set("message", Cell::Text(&long));
    builder.attribute("number", &Value::Int(1));
    builder.attribute("text", &Value::String(&long));
    builder.attribute("list", &Value::List(list));
    builder.attribute("list.truncated", &Value::String("the sender's own"));
    end_row(&mut builder);
    builder.attribute("number", &Value::String(&long));
    builder.attribute("text", &Value::String(&long[..TEXT_BYTES_MAX - 1]));
    end_row(&mut builder);
    let batch = builder.finish();

    let cut = &long[..TEXT_BYTES_MAX - 1];
    assert_eq!(
        batch
            .column_by_name("message")
            .unwrap()
            .as_string::<i32>()
            .value(0),
        cut
    );
    let text = batch
        .column_by_name("text")
        .unwrap()
        .as_dictionary::<arrow::datatypes::Int32Type>();
    assert_eq!(
        text.values().as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some(cut)]
    );
    let flags = |name: &str| -> Vec<Option<bool>> {
        batch
            .column_by_name(name)
            .unwrap()
            .as_boolean()
            .iter()
            .collect()
    };
    assert_eq!(flags("message.truncated"), [Some(true), None]);
    assert_eq!(flags("text.truncated"), [Some(true), None]);
    assert_eq!(flags("number.truncated"), [None, Some(true)]);
    let own = batch.column_by_name("list.truncated").unwrap();
    assert!(
        matches!(own.data_type(), DataType::Dictionary(..)),
        "a sender's own key is kept"
    );
    let list: String = serde_json::from_str(&overflow(&batch, 0)[0].1).unwrap();
    assert_eq!(list.len(), TEXT_BYTES_MAX);
    assert!(list.starts_with("[10000,10000,"));
    assert_eq!(
        overflow(&batch, 1),
        [("number".to_owned(), format!("\"{cut}\""))]
    );
}
