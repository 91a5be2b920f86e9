use proptest::prelude::*;

use super::{Kind, Kinds, Value, kind_of_json, text_of_json};

#[test]
fn values_have_one_exact_text() {
    for (value, expected) in [
        (Value::String("a\"b\u{1}é"), "\"a\\\"b\\u0001é\""),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::Double(1.0), "1.0"),
        (Value::Double(1e300), "1e300"),
        (Value::Double(f64::NAN), "{\"$double\":\"NaN\"}"),
        (Value::Bytes(&[0, 255]), "{\"$bytes\":\"AP8=\"}"),
        (
            Value::List(vec![Value::Null, Value::Bool(true)]),
            "[null,true]",
        ),
        (Value::Map(vec![("a", Value::Int(1))]), "{\"a\":1}"),
        (
            Value::Map(vec![("a", Value::Int(1)), ("a", Value::Int(2))]),
            "{\"$map\":[[\"a\",1],[\"a\",2]]}",
        ),
        (
            Value::Map(vec![("$bytes", Value::Int(1))]),
            "{\"$map\":[[\"$bytes\",1]]}",
        ),
    ] {
        assert_eq!(value.to_json(), expected);
    }
}

#[test]
fn mixtures_read_as_text_except_numbers() {
    let check = |kinds: &[Kind], expected| {
        let set = kinds
            .iter()
            .fold(Kinds::default(), |set, kind| set.union(Kinds::of(*kind)));
        assert_eq!(set.reads_as(), expected, "{kinds:?}");
    };
    check(&[Kind::Int], Kind::Int);
    check(&[Kind::Int, Kind::Double], Kind::Double);
    check(&[Kind::Int, Kind::String], Kind::String);
    check(&[Kind::Bool, Kind::Int], Kind::String);
    check(&[Kind::Other], Kind::String);
}

proptest! {
    #[test]
    fn the_kind_of_a_text_is_the_kind_of_its_value(text in ".*", int: i64, double: f64, flag: bool) {
        for value in [Value::String(&text), Value::Int(int), Value::Bool(flag)] {
            prop_assert_eq!(kind_of_json(&value.to_json()), value.kind());
        }
        if double.is_finite() {
            prop_assert_eq!(kind_of_json(&Value::Double(double).to_json()), Kind::Double);
        }
        let json = Value::String(&text).to_json();
        prop_assert_eq!(text_of_json(&json), text.as_str());
    }
}
