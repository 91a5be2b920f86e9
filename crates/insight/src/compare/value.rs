//! A value of a field, and what can be tested of it: as SQL, as JSON and in words.

use crawlspace_model::attribute::Kind as Stored;
use serde_json::{Value as Json, json};

use crate::words;

/// Whole numbers above are not exact in JavaScript: JSON has them as strings.
const JSON_INTEGER_MAX: u64 = 1 << 53;
/// Characters of a text in a sentence.
const TEXT_WIDTH_MAX: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Double,
    Flag,
}

impl Kind {
    pub fn of(stored: Stored) -> Self {
        match stored {
            Stored::Int => Self::Int,
            Stored::Double => Self::Double,
            Stored::Bool => Self::Flag,
            Stored::String | Stored::Other => Self::Text,
        }
    }

    /// Whether values have an order that says something.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }
}

/// A value as it is counted: text, or a number's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw<'a> {
    /// In UTF-8.
    Text(&'a [u8]),
    Number(u64),
}

/// A value on its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(Box<str>),
    Int(i64),
    Double(f64),
    Flag(bool),
}

/// What an event may fulfil.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Is(Value),
    Present,
    AtLeast(Value),
    Below(Value),
    Absent,
}

/// Keys have the order of the numbers.
pub(super) fn key_of_int(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

pub(super) fn key_of_double(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits ^ (1 << 63)
    }
}

fn double_of_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key ^ (1 << 63)
    } else {
        !key
    })
}

impl Value {
    pub fn of_key(kind: Kind, key: u64) -> Self {
        match kind {
            Kind::Int => Self::Int((key ^ (1 << 63)).cast_signed()),
            Kind::Flag => Self::Flag(key == 1),
            Kind::Double | Kind::Text => Self::Double(double_of_key(key)),
        }
    }

    /// The least value of that kind that is not below the double with this key.
    pub fn at_bound(kind: Kind, key: u64) -> Self {
        let bound = double_of_key(key);
        match kind {
            Kind::Int => Self::Int(bound.ceil() as i64),
            _ => Self::Double(bound),
        }
    }

    /// The value of a text that queries read so.
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Text => Some(Self::Text(text.into())),
            Kind::Int => text.parse().ok().map(Self::Int),
            Kind::Double => text.parse().ok().map(Self::Double),
            Kind::Flag => text.parse().ok().map(Self::Flag),
        }
    }

    pub fn raw(&self) -> Raw<'_> {
        match self {
            Self::Text(text) => Raw::Text(text.as_bytes()),
            Self::Int(number) => Raw::Number(key_of_int(*number)),
            Self::Double(number) => Raw::Number(key_of_double(*number)),
            Self::Flag(flag) => Raw::Number(u64::from(*flag)),
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Int(number) => number.to_string(),
            Self::Double(number) if number.is_finite() => format!("{number:?}"),
            Self::Double(number) => format!("CAST('{number}' AS DOUBLE)"),
            Self::Flag(flag) => flag.to_string().to_uppercase(),
        }
    }

    fn json(&self) -> Json {
        match self {
            Self::Text(text) => json!(text),
            Self::Int(number) if number.unsigned_abs() > JSON_INTEGER_MAX => {
                json!(number.to_string())
            }
            Self::Int(number) => json!(number),
            Self::Double(number) if number.is_finite() => json!(number),
            Self::Double(number) => json!(number.to_string()),
            Self::Flag(flag) => json!(flag),
        }
    }

    fn words(&self, field: &str) -> String {
        let is_duration = field.ends_with("_ns");
        match self {
            Self::Text(text) if text.is_empty() => "empty".to_owned(),
            Self::Text(text) if text.chars().count() > TEXT_WIDTH_MAX => {
                text.chars().take(TEXT_WIDTH_MAX).chain(['…']).collect()
            }
            Self::Text(text) => text.to_string(),
            Self::Int(number) if is_duration => words::duration(*number as f64),
            Self::Double(number) if is_duration => words::duration(*number),
            Self::Int(number) => number.to_string(),
            Self::Double(number) => words::number(*number),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

impl Test {
    /// Whether an event with that value fulfils it.
    pub fn holds(&self, raw: Raw<'_>) -> bool {
        match (self, raw) {
            (Self::Is(value), raw) => value.raw() == raw,
            (Self::Present, _) => true,
            (Self::Absent, _) => false,
            (Self::AtLeast(bound), Raw::Number(key)) => {
                matches!(bound.raw(), Raw::Number(least) if key >= least)
            }
            (Self::Below(bound), Raw::Number(key)) => {
                matches!(bound.raw(), Raw::Number(least) if key < least)
            }
            (Self::AtLeast(_) | Self::Below(_), Raw::Text(_)) => false,
        }
    }

    /// Whether an event without the field fulfils it.
    pub fn holds_for_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Of tests that are fulfilled by the same events, the one that says it best comes first.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Is(_) => 0,
            Self::Present => 1,
            Self::AtLeast(_) => 2,
            Self::Below(_) => 3,
            Self::Absent => 4,
        }
    }

    /// As a condition on the field of that SQL name.
    pub fn sql(&self, field: &str) -> String {
        match self {
            Self::Is(value) => format!("{field} = {}", value.sql()),
            Self::Present => format!("{field} IS NOT NULL"),
            Self::AtLeast(bound) => format!("{field} >= {}", bound.sql()),
            Self::Below(bound) => format!("{field} < {}", bound.sql()),
            Self::Absent => format!("{field} IS NULL"),
        }
    }

    pub fn operator(&self) -> &'static str {
        match self {
            Self::Is(_) => "is",
            Self::Present => "present",
            Self::AtLeast(_) => "at_least",
            Self::Below(_) => "below",
            Self::Absent => "absent",
        }
    }

    pub fn json(&self) -> Json {
        match self {
            Self::Is(value) | Self::AtLeast(value) | Self::Below(value) => value.json(),
            Self::Present | Self::Absent => Json::Null,
        }
    }

    /// As the beginning of a sentence: the field and what is said of it.
    pub fn words(&self, field: &str) -> String {
        match self {
            Self::Is(value) => format!("`{field}` is {}", value.words(field)),
            Self::Present => format!("`{field}` is there"),
            Self::AtLeast(bound) => format!("`{field}` is at least {}", bound.words(field)),
            Self::Below(bound) => format!("`{field}` is below {}", bound.words(field)),
            Self::Absent => format!("`{field}` is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Raw, Test, Value, key_of_double, key_of_int};

    #[test]
    fn keys_keep_the_order_of_numbers_and_give_them_back() {
        let ints = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(ints.map(key_of_int).is_sorted());
        for int in ints {
            assert_eq!(Value::of_key(Kind::Int, key_of_int(int)), Value::Int(int));
        }
        let doubles = [
            f64::NEG_INFINITY,
            -1.5,
            -0.0,
            0.0,
            1e-300,
            2.5,
            f64::INFINITY,
        ];
        assert!(doubles.map(key_of_double).is_sorted());
        for double in doubles {
            let back = Value::of_key(Kind::Double, key_of_double(double));
            assert_eq!(back, Value::Double(double));
        }
    }

    #[test]
    fn tests_are_conditions() {
        for (test, sql) in [
            (Test::Is(Value::Text("it's".into())), "\"x\" = 'it''s'"),
            (Test::Is(Value::Flag(true)), "\"x\" = TRUE"),
            (Test::AtLeast(Value::Double(0.5)), "\"x\" >= 0.5"),
            (Test::Below(Value::Int(-3)), "\"x\" < -3"),
            (Test::Absent, "\"x\" IS NULL"),
        ] {
            assert_eq!(test.sql("\"x\""), sql);
        }
        let at_least = Test::AtLeast(Value::Int(5));
        assert!(at_least.holds(Raw::Number(key_of_int(5))));
        assert!(!at_least.holds(Raw::Number(key_of_int(-6))));
    }
}
