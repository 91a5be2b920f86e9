use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationMillisecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array,
    Int64Array, ListArray, MapBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray,
    StructArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array, new_null_array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use crawlspace_query::Footer;
use serde_json::{Value, json};

use super::csv::Csv;
use super::json::Json;
use super::ndjson::NdJson;
use super::{Encoder, ascii};

/// The answer in one format, as it is sent.
fn encoded(encoder: &mut dyn Encoder, batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = encoder.head().unwrap();
    for batch in batches {
        bytes.extend(encoder.rows(batch).unwrap());
    }
    bytes.extend(encoder.end(&Footer::default()).unwrap());
    bytes
}

fn written(schema: &Arc<Schema>, batches: Vec<RecordBatch>) -> Value {
    let bytes = encoded(&mut Json::new(schema), &batches);
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

/// A text (null, empty, with everything that CSV has to quote), a time and a list.
fn odd_rows() -> RecordBatch {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a,\"b\"\r\nc"),
        Some(""),
        None,
    ]));
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(1), Some(0), None]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
    ]));
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(7), None]));
    RecordBatch::try_from_iter([
        ("text, quoted", texts),
        ("time", times),
        ("list", lists),
        ("integer", integers),
    ])
    .unwrap()
}

#[test]
fn csv_tells_a_null_from_an_empty_text() {
    let rows = odd_rows();
    let text = encoded(&mut Csv::new(&rows.schema()), &[rows]);
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "\"text, quoted\",time,list,integer\r\n\
         \"a,\"\"b\"\"\r\nc\",1970-01-01T00:00:00.000000001Z,\"[1,null]\",-9223372036854775808\r\n\
         \"\",1970-01-01T00:00:00.000000000Z,[],7\r\n\
         ,,,\r\n"
    );
}

#[test]
fn lines_of_json_leave_nulls_out_and_end_with_the_footer() {
    let rows = odd_rows();
    let text = encoded(&mut NdJson::new(&rows.schema()), &[rows]);
    let lines: Vec<Value> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(
        lines[1],
        json!({"text, quoted": "", "time": "0", "list": [], "integer": 7})
    );
    assert_eq!(lines[2], json!({}));
    assert_eq!(lines[3]["$footer"]["cut"], json!(false));
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_column_that_is_there_twice_gets_a_name_of_its_own() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let field = Field::new("c", DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![field.clone(), field]));
    let rows =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap();
    let text = encoded(&mut NdJson::new(&schema), &[rows]);
    assert!(
        String::from_utf8(text)
            .unwrap()
            .starts_with("{\"c\":1,\"c~2\":1}\n")
    );
}

#[test]
fn an_answer_that_breaks_off_says_so() {
    let schema = odd_rows().schema();
    let problem = br#"{"status":500}"#;
    let mut json = Json::new(&schema);
    let text = [
        json.head().unwrap(),
        json.rows(&odd_rows()).unwrap(),
        json.broken(problem).unwrap(),
    ]
    .concat();
    let answer: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        (&answer["error"]["status"], answer.get("footer")),
        (&json!(500), None)
    );
    assert_eq!(
        NdJson::new(&schema).broken(problem).unwrap(),
        b"{\"$error\":{\"status\":500}}\n"
    );
    assert!(
        Csv::new(&schema).broken(problem).is_none(),
        "the connection has to break"
    );
}

#[test]
fn a_trailer_is_plain_ascii() {
    let footer = Footer {
        sql: Some("SELECT 'ключ 🦀\n'".to_owned()),
        ..Footer::default()
    };
    let text = ascii(&footer);
    assert!(text.is_ascii() && !text.contains('\n'));
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["sql"], "SELECT 'ключ 🦀\n'");
}
