//! Answers as rows of JSON cells, and when two cells, rows or answers are the same.

use serde_json::Value;

/// Sums and averages of doubles may be added up in another order.
const SUM_RELATIVE_ERROR_MAX: f64 = 1e-9;
/// The JSON parser may miss a double's last bit.
const PARSE_RELATIVE_ERROR_MAX: f64 = 1e-15;

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl Answer {
    pub fn parse(body: &Value) -> Self {
        let columns = body["columns"].as_array().unwrap();
        let rows = body["rows"].as_array().unwrap();
        Self {
            columns: columns
                .iter()
                .map(|c| c["name"].as_str().unwrap().to_owned())
                .collect(),
            rows: rows
                .iter()
                .map(|row| row.as_array().unwrap().clone())
                .collect(),
        }
    }

    /// The one integer of an answer that is nothing else.
    pub fn number(&self) -> i64 {
        assert_eq!((self.rows.len(), self.columns.len()), (1, 1), "{self:?}");
        integer(&self.rows[0][0]).unwrap_or_else(|| panic!("no integer: {self:?}"))
    }
}

/// Integers beyond 2^53 are written as strings.
pub fn integer(cell: &Value) -> Option<i64> {
    cell.as_i64().or_else(|| cell.as_str()?.parse().ok())
}

/// Whether two cells have the same value, however each is written.
pub fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => {
            !number.is_f64() && *text == number.to_string()
        }
        (Value::Number(a), Value::Number(b)) if !a.is_f64() && !b.is_f64() => a == b,
        (Value::Number(a), Value::Number(b)) => is_near(
            a.as_f64().unwrap(),
            b.as_f64().unwrap(),
            PARSE_RELATIVE_ERROR_MAX,
        ),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|b| is_same(value, b)))
        }
        _ => left == right,
    }
}

fn is_near(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs())
}

fn is_same_sum(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => is_near(
            a.as_f64().unwrap(),
            b.as_f64().unwrap(),
            SUM_RELATIVE_ERROR_MAX,
        ),
        _ => is_same(left, right),
    }
}

/// Says how two answers differ. Rows are compared in order only where the question asks for one.
pub fn check_same(what: &str, found: &[Vec<Value>], expected: &[Vec<Value>], ordered: bool) {
    let sorted = |rows: &[Vec<Value>]| {
        let mut rows = rows.to_vec();
        if !ordered {
            rows.sort_by_cached_key(|row| row.iter().map(sort_key).collect::<Vec<_>>());
        }
        rows
    };
    let (found, expected) = (sorted(found), sorted(expected));
    for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
        let same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_sum(a, b));
        assert!(same, "{what}\nrow {at}\n   found {a:?}\nexpected {b:?}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: the number of rows");
}

/// Equal for cells that [`is_same`] calls the same, but for doubles, which no group has as its key.
fn sort_key(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => String::new(),
        other => other.to_string(),
    }
}
