//! The property: from the rows of any request every attribute goes back into the list it came from.

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;

use super::readback::{self, Attributes, List};
use super::{any as any_value, decode, span};

/// Keys that meet fixed columns, prefixes and one another.
const KEYS: &[&str] = &[
    "",
    "a",
    "A",
    "name",
    "Name",
    "kind",
    "version",
    "event.name",
    "service.name",
    "scope.name",
    "rowid",
    "resource.a",
    "resource.resource.a",
    "scope.a",
    "scope.scope.a",
    "scope.resource.a",
    "resource.service.name",
    "attributes.",
    "attributes.a",
    "attributes.name",
    "Attributes.name",
    "attributes.scope.name",
    "overflow",
    "otlp",
    "ключ",
    "a.truncated",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => prop::sample::select(KEYS).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(AnyValue::default()),
        any::<i64>().prop_map(|number| any_value(Any::IntValue(number))),
        prop::num::f64::ANY.prop_map(|number| any_value(Any::DoubleValue(number))),
        Just(any_value(Any::DoubleValue(1.0))),
        Just(any_value(Any::IntValue(1))),
        any::<bool>().prop_map(|flag| any_value(Any::BoolValue(flag))),
        "[a-c]{0,2}".prop_map(|text| any_value(Any::StringValue(text))),
        any::<String>().prop_map(|text| any_value(Any::StringValue(text))),
        vec(any::<u8>(), 0..4).prop_map(|bytes| any_value(Any::BytesValue(bytes))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let entry = (key(), inner.clone()).prop_map(key_value);
        prop_oneof![
            vec(inner, 0..3).prop_map(|values| any_value(Any::ArrayValue(ArrayValue { values }))),
            vec(entry, 0..3)
                .prop_map(|values| any_value(Any::KvlistValue(KeyValueList { values }))),
        ]
    })
}

fn key_value((key, value): (String, AnyValue)) -> KeyValue {
    KeyValue {
        key,
        value: Some(value),
        key_strindex: 0,
    }
}

fn list() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((key(), value()).prop_map(key_value), 0..8)
}

fn any_span() -> impl Strategy<Value = Span> {
    (list(), vec(list(), 0..3)).prop_map(|(attributes, events)| {
        let event = |attributes| Event {
            attributes,
            ..Event::default()
        };
        Span {
            attributes,
            events: events.into_iter().map(event).collect(),
            ..span(1)
        }
    })
}

fn any_request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = (list(), vec(any_span(), 0..4)).prop_map(|(attributes, spans)| ScopeSpans {
        scope: Some(InstrumentationScope {
            attributes,
            ..InstrumentationScope::default()
        }),
        spans,
        ..ScopeSpans::default()
    });
    let resource = (list(), vec(scope, 0..3)).prop_map(|(attributes, scope_spans)| ResourceSpans {
        resource: Some(Resource {
            attributes,
            ..Resource::default()
        }),
        scope_spans,
        ..ResourceSpans::default()
    });
    vec(resource, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn model_value(any: &AnyValue) -> Value<'_> {
    match any.value.as_ref() {
        None => Value::Null,
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(flag)) => Value::Bool(*flag),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Any::ArrayValue(list)) => Value::List(list.values.iter().map(model_value).collect()),
        Some(Any::KvlistValue(map)) => Value::Map(
            map.values
                .iter()
                .map(|entry| {
                    (
                        entry.key.as_str(),
                        model_value(entry.value.as_ref().unwrap()),
                    )
                })
                .collect(),
        ),
        Some(other) => panic!("{other:?} is not generated"),
    }
}

/// A later value of a key replaces an earlier one.
fn sent(list: &[KeyValue]) -> List {
    list.iter()
        .map(|entry| {
            (
                entry.key.clone(),
                model_value(entry.value.as_ref().unwrap()).to_json(),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_attribute_goes_back_to_its_place(request in any_request()) {
        let (mut spans, mut logs) = (Vec::new(), Vec::new());
        for resource_spans in &request.resource_spans {
            for scope_spans in &resource_spans.scope_spans {
                let row = |record: &[KeyValue]| Attributes {
                    record: sent(record),
                    scope: sent(&scope_spans.scope.as_ref().unwrap().attributes),
                    resource: sent(&resource_spans.resource.as_ref().unwrap().attributes),
                };
                for span in &scope_spans.spans {
                    spans.push(row(&span.attributes));
                    logs.extend(span.events.iter().map(|event| row(&event.attributes)));
                }
            }
        }
        let decoded = decode(&request).unwrap();
        prop_assert_eq!((decoded.accepted, decoded.rejected), (spans.len() as u64, 0));
        for (table, expected) in [(Table::Spans, spans), (Table::Logs, logs)] {
            let batch = decoded.batches.iter().find(|(of, _)| *of == table).map(|(_, batch)| batch);
            prop_assert_eq!(batch.map_or(0, |batch| batch.num_rows()), expected.len());
            for (row, expected) in expected.iter().enumerate() {
                prop_assert_eq!(&readback::attributes(table, batch.unwrap(), row), expected);
            }
        }
        // The log is replayed: the same bytes give the same rows, in the same columns.
        prop_assert_eq!(format!("{decoded:?}"), format!("{:?}", decode(&request).unwrap()));
    }
}
