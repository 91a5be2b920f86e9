use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationMillisecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array,
    Int64Array, ListArray, MapBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray,
    StructArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array, new_null_array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use crawlspace_query::{Answer, Footer};
use serde_json::{Value, json};

use super::pieces;

fn written(schema: &Arc<Schema>, batches: Vec<RecordBatch>) -> Value {
    let answer = Answer {
        schema: Arc::clone(schema),
        batches,
        footer: Footer::default(),
    };
    let bytes: Vec<u8> = pieces(answer).flatten().collect();
    serde_json::from_slice(&bytes)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)))
}

fn check(column: ArrayRef, expected_type: &str, expected: Value) {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "c",
        column.data_type().clone(),
        true,
    )]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let answer = written(&schema, vec![batch]);
    assert_eq!(
        answer["columns"],
        json!([{"name": "c", "type": expected_type}])
    );
    let values: Vec<Value> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(Value::Array(values), expected, "{expected_type}");
}

#[test]
fn numbers_are_exact_or_strings() {
    const EXACT: i64 = 1 << 53;
    check(
        Arc::new(Int64Array::from(vec![
            Some(0),
            Some(-EXACT),
            Some(EXACT + 1),
            Some(i64::MIN),
            None,
        ])),
        "int64",
        json!([0, -EXACT, "9007199254740993", "-9223372036854775808", null]),
    );
    check(
        Arc::new(UInt64Array::from(vec![7, u64::MAX])),
        "uint64",
        json!([7, "18446744073709551615"]),
    );
    check(Arc::new(Int8Array::from(vec![-128])), "int8", json!([-128]));
    check(
        Arc::new(Float64Array::from(vec![
            0.1,
            -0.0,
            1e300,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ])),
        "float64",
        json!([0.1, -0.0, 1e300, 5e-324, "NaN", "Infinity", "-Infinity"]),
    );
    check(
        Arc::new(Float32Array::from(vec![0.1, f32::NAN])),
        "float32",
        json!([0.1, "NaN"]),
    );
    check(
        Arc::new(
            Decimal128Array::from(vec![12_345])
                .with_precision_and_scale(10, 2)
                .unwrap(),
        ),
        "decimal",
        json!(["123.45"]),
    );
}

#[test]
fn times_are_strings_of_nanoseconds() {
    check(
        Arc::new(TimestampNanosecondArray::from(vec![
            Some(1_700_000_000_000_000_001),
            Some(-1),
            None,
        ])),
        "timestamp_ns",
        json!(["1700000000000000001", "-1", null]),
    );
    check(
        Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC")),
        "timestamp_ns",
        json!(["9223372036854775807000"]),
    );
    check(
        Arc::new(DurationMillisecondArray::from(vec![5])),
        "duration_ns",
        json!([5_000_000]),
    );
    check(
        Arc::new(Date32Array::from(vec![1])),
        "date",
        json!(["1970-01-02"]),
    );
}

#[test]
fn texts_and_bytes_are_strings() {
    let nasty = "\"\\\u{1}\n\u{2028}ключ🦀";
    check(
        Arc::new(StringArray::from(vec![Some(nasty), Some(""), None])),
        "string",
        json!([nasty, "", null]),
    );
    check(
        Arc::new(StringViewArray::from(vec![
            Some("a text that is not inlined"),
            None,
        ])),
        "string",
        json!(["a text that is not inlined", null]),
    );
    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b"), Some("a")]
        .into_iter()
        .collect();
    check(
        Arc::new(dictionary.slice(1, 3)),
        "string",
        json!([null, "b", "a"]),
    );
    check(
        new_null_array(
            &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            1,
        ),
        "string",
        json!([null]),
    );
    check(
        Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])),
        "binary",
        json!(["00ff"]),
    );
    let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some([171_u8; 8]), None].into_iter(),
        8,
    )
    .unwrap();
    check(Arc::new(ids), "binary", json!(["abababababababab", null]));
    check(
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        "boolean",
        json!([true, false, null]),
    );
    check(new_null_array(&DataType::Null, 1), "null", json!([null]));
}

#[test]
fn nested_values_are_json() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    check(
        Arc::new(lists.slice(0, 2)),
        "list",
        json!([[1, null], null]),
    );
    check(Arc::new(lists.slice(2, 1)), "list", json!([[]]));
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in [
        &[("skipped", "0")][..],
        &[("a\"b", "1"), ("c", "\"x\"")],
        &[],
    ] {
        for (key, value) in row {
            map.keys().append_value(key);
            map.values().append_value(value);
        }
        map.append(true).unwrap();
    }
    check(
        Arc::new(map.finish().slice(1, 2)),
        "map",
        json!([{"a\"b": "1", "c": "\"x\""}, {}]),
    );
    let members: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("n", DataType::Int64, true)),
        members,
    )]);
    check(Arc::new(structs), "struct", json!([{"n": 1}, {"n": null}]));
}

#[test]
fn rows_of_several_batches_are_one_list_and_no_batch_is_an_empty_one() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, false),
        Field::new("b \"quoted\"", DataType::Int64, false),
    ]));
    let batch = |values: Vec<i64>| {
        let column: ArrayRef = Arc::new(Int64Array::from(values));
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap()
    };
    let answer = written(
        &schema,
        vec![
            batch(vec![]),
            batch(vec![1, 2]),
            batch(vec![]),
            batch(vec![3]),
        ],
    );
    assert_eq!(answer["rows"], json!([[1, 1], [2, 2], [3, 3]]));
    assert_eq!(answer["columns"][1]["name"], "b \"quoted\"");
    assert_eq!(answer["footer"]["rows"], 0);
    assert_eq!(written(&schema, vec![])["rows"], json!([]));
}
