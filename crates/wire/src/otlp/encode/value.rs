//! The JSON texts of columns as OTLP's values: exact, with the order of their members.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crawlspace_model::attribute::VALUE_DEPTH_MAX;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use crate::otlp::json::{Reader, Token, unhex};

/// Deeper texts are none of ours: a map may be written as three levels, and a value may be an
/// attribute in an object in a list.
const DEPTH_MAX: usize = 3 * VALUE_DEPTH_MAX + 8;

/// None for a text that no column has.
pub(super) fn parse(text: &str) -> Option<AnyValue> {
    let mut reader = Reader::new(text);
    let value = read(&mut reader, 0)?;
    reader.end().ok()?;
    Some(value)
}

fn read(reader: &mut Reader<'_>, depth: usize) -> Option<AnyValue> {
    if depth > DEPTH_MAX {
        return None;
    }
    Some(any(match reader.value().ok()? {
        Token::Null => return Some(AnyValue::default()),
        Token::Bool(flag) => Any::BoolValue(flag),
        Token::Number(text) if text.contains(['.', 'e', 'E']) => {
            Any::DoubleValue(text.parse().ok()?)
        }
        Token::Number(text) => Any::IntValue(text.parse().ok()?),
        Token::Text(text) => Any::StringValue(text.into_owned()),
        Token::List => {
            let mut values = Vec::new();
            while reader.has_item(values.is_empty()).ok()? {
                values.push(read(reader, depth + 1)?);
            }
            Any::ArrayValue(ArrayValue { values })
        }
        Token::Map => {
            let mut entries = Vec::new();
            while let Some(key) = reader.key(entries.is_empty()).ok()? {
                entries.push(key_value(key.into_owned(), read(reader, depth + 1)?));
            }
            return reserved(&entries).or_else(|| Some(any(map(entries))));
        }
    }))
}

pub(super) fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(super) fn key_value(key: String, value: AnyValue) -> KeyValue {
    KeyValue {
        key,
        value: Some(value),
        key_strindex: 0,
    }
}

fn map(values: Vec<KeyValue>) -> Any {
    Any::KvlistValue(KeyValueList { values })
}

/// What an object with one reserved key stands for.
fn reserved(entries: &[KeyValue]) -> Option<AnyValue> {
    let [KeyValue { key, value, .. }] = entries else {
        return None;
    };
    let value = value.as_ref()?.value.as_ref()?;
    Some(any(match (key.as_str(), value) {
        ("$double", Any::StringValue(name)) => Any::DoubleValue(name.parse().ok()?),
        ("$bytes", Any::StringValue(text)) => Any::BytesValue(BASE64.decode(text).ok()?),
        ("$map", Any::ArrayValue(pairs)) => {
            let entries = pairs.values.iter().map(|pair| match &pair.value {
                Some(Any::ArrayValue(pair)) => match &pair.values[..] {
                    [
                        AnyValue {
                            value: Some(Any::StringValue(key)),
                        },
                        value,
                    ] => Some(key_value(key.clone(), value.clone())),
                    _ => None,
                },
                _ => None,
            });
            map(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    }))
}

/// The members of an object that a column has as JSON.
#[derive(Default)]
pub(super) struct Members(Vec<KeyValue>);

impl Members {
    pub(super) fn parse(text: Option<&str>) -> Self {
        Self::of(text.and_then(parse))
    }

    /// Of something that is no object, none.
    pub(super) fn of(value: Option<AnyValue>) -> Self {
        Self(match value.and_then(|any| any.value) {
            Some(Any::KvlistValue(map)) => map.values,
            _ => Vec::new(),
        })
    }

    pub(super) fn value(&self, name: &str) -> Option<&Any> {
        let member = self.0.iter().find(|member| member.key == name)?;
        member.value.as_ref()?.value.as_ref()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(super) fn int(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Any::IntValue(number)) => *number,
            _ => 0,
        }
    }

    pub(super) fn count(&self, name: &str) -> u32 {
        u32::try_from(self.int(name)).unwrap_or_default()
    }

    pub(super) fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(Any::StringValue(text)) => text.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn id(&self, name: &str) -> Vec<u8> {
        unhex(&self.text(name)).unwrap_or_default()
    }

    pub(super) fn attributes(&self, name: &str) -> Vec<KeyValue> {
        match self.value(name) {
            Some(Any::KvlistValue(map)) => map.values.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn list(&self, name: &str) -> Vec<AnyValue> {
        list(self.value(name).cloned())
    }
}

/// The objects of a list that a column has as JSON.
pub(super) fn objects(text: Option<&str>) -> Vec<Members> {
    let list = list(text.and_then(parse).and_then(|any| any.value));
    list.into_iter().map(|any| Members::of(Some(any))).collect()
}

fn list(value: Option<Any>) -> Vec<AnyValue> {
    match value {
        Some(Any::ArrayValue(list)) => list.values,
        _ => Vec::new(),
    }
}
