//! OTLP's attribute lists as the model's values, borrowed from the request, within bounds.

use std::collections::HashSet;

use crawlspace_model::attribute::{VALUE_DEPTH_MAX, Value};
use crawlspace_model::names::column_of_key;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use crate::batch::TableBuilder;
use crate::otlp::ATTRIBUTES_MAX;
use crate::otlp::notes::Notes;

pub(super) type Attributes<'a> = Vec<(&'a str, Value<'a>)>;

/// A value is nested deeper than [`VALUE_DEPTH_MAX`].
#[derive(Debug, PartialEq)]
pub(super) struct TooDeep;

/// One list, in its order, with repeated keys as they came.
pub(super) fn attributes<'a>(
    list: &'a [KeyValue],
    notes: &mut Notes,
) -> Result<Attributes<'a>, TooDeep> {
    notes.shorten(list.get(ATTRIBUTES_MAX).map(|extra| extra.key.as_str()));
    list.iter()
        .take(ATTRIBUTES_MAX)
        .map(|entry| key_value(entry, 0))
        .collect()
}

/// One list with each key once: its last value, at the place of that.
pub(super) fn unique_attributes<'a>(
    list: &'a [KeyValue],
    notes: &mut Notes,
) -> Result<Attributes<'a>, TooDeep> {
    let mut entries = attributes(list, notes)?;
    let mut seen = HashSet::new();
    entries.reverse();
    entries.retain(|(key, _)| seen.insert(*key));
    entries.reverse();
    Ok(entries)
}

fn key_value(entry: &KeyValue, depth: usize) -> Result<(&str, Value<'_>), TooDeep> {
    let value = entry
        .value
        .as_ref()
        .map_or(Ok(Value::Null), |any| value(any, depth))?;
    Ok((&entry.key, value))
}

/// The recursion ends at [`VALUE_DEPTH_MAX`] lists and maps in one another.
pub(super) fn value(any: &AnyValue, depth: usize) -> Result<Value<'_>, TooDeep> {
    if depth > VALUE_DEPTH_MAX {
        return Err(TooDeep);
    }
    Ok(match &any.value {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(flag)) => Value::Bool(*flag),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Any::ArrayValue(list)) => Value::List(
            list.values
                .iter()
                .map(|item| value(item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        Some(Any::KvlistValue(map)) => Value::Map(
            map.values
                .iter()
                .map(|entry| key_value(entry, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        // An index into the string table of a profiles request; no other signal has such a table.
        Some(Any::StringValueStrindex(_)) | None => Value::Null,
    })
}

/// A row keeps the first value of a key that it is given, so the last one goes first.
pub(super) fn set_attributes(row: &mut TableBuilder, attributes: &Attributes<'_>) {
    for (key, value) in attributes.iter().rev() {
        row.attribute(&column_of_key(row.table(), key), value);
    }
}

#[cfg(test)]
mod tests {
    use crawlspace_model::attribute::VALUE_DEPTH_MAX;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

    use super::{Notes, TooDeep, attributes};

    #[test]
    fn values_beyond_the_depth_limit_are_refused() {
        for maps in [false, true] {
            let mut any = AnyValue {
                value: Some(Any::BoolValue(true)),
            };
            for depth in 0..VALUE_DEPTH_MAX + 3 {
                let entry = KeyValue {
                    key: "k".into(),
                    value: Some(any.clone()),
                    key_strindex: 0,
                };
                let list = [entry.clone()];
                let result = attributes(&list, &mut Notes::default());
                match result {
                    Ok(values) => {
                        assert!(depth <= VALUE_DEPTH_MAX);
                        let opened = values[0].1.to_json().matches(['[', '{']).count();
                        assert_eq!(opened, depth);
                    }
                    Err(TooDeep) => assert!(depth > VALUE_DEPTH_MAX),
                }
                any.value = Some(if maps {
                    Any::KvlistValue(KeyValueList {
                        values: vec![entry],
                    })
                } else {
                    Any::ArrayValue(ArrayValue {
                        values: vec![any.clone()],
                    })
                });
            }
        }
    }
}
