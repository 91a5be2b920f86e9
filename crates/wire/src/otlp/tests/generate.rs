//! Requests at random: every field, keys that meet columns and one another, values that JSON has no
//! form for.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarNumber;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::any as any_value;

/// Keys that meet fixed columns, prefixes and one another.
const KEYS: &[&str] = &[
    "",
    "a",
    "A",
    "name",
    "Name",
    "kind",
    "body",
    "value",
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
    "$map",
    "$double",
    "ключ",
    "a.truncated",
];

/// Which doubles there are.
#[derive(Clone, Copy)]
pub(super) enum Doubles {
    All,
    /// Those that JSON has numbers for.
    Finite,
}

impl Doubles {
    /// For a field that protobuf leaves out when it is 0, whatever the sign.
    fn unsigned_zero(self) -> impl Strategy<Value = f64> {
        self.any().prop_map(|number| number + 0.0)
    }

    fn any(self) -> BoxedStrategy<f64> {
        match self {
            Self::All => prop_oneof![prop::num::f64::ANY, Just(1.0), Just(f64::NAN)].boxed(),
            Self::Finite => prop_oneof![
                prop::num::f64::NORMAL,
                prop::num::f64::SUBNORMAL,
                Just(-0.0)
            ]
            .boxed(),
        }
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => prop::sample::select(KEYS).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,2}", any::<String>()]
}

fn id(width: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), width).prop_map(|mut id| {
        id[0] |= 1;
        id
    })
}

fn id_or_none(width: usize) -> impl Strategy<Value = Vec<u8>> {
    option::of(id(width)).prop_map(Option::unwrap_or_default)
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..=i64::MAX.unsigned_abs()]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), any::<u32>()]
}

fn value(doubles: Doubles) -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(AnyValue::default()),
        any::<i64>().prop_map(|number| any_value(Any::IntValue(number))),
        doubles
            .any()
            .prop_map(|number| any_value(Any::DoubleValue(number))),
        Just(any_value(Any::DoubleValue(1.0))),
        Just(any_value(Any::IntValue(1))),
        any::<bool>().prop_map(|flag| any_value(Any::BoolValue(flag))),
        text().prop_map(|text| any_value(Any::StringValue(text))),
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

fn list(doubles: Doubles) -> impl Strategy<Value = Vec<KeyValue>> {
    vec((key(), value(doubles)).prop_map(key_value), 0..6)
}

fn resource(doubles: Doubles) -> impl Strategy<Value = Option<Resource>> {
    let texts = || vec(text(), 0..2);
    let entity = (text(), text(), texts(), texts());
    let entity = entity.prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    let resource = (list(doubles), small(), vec(entity, 0..2));
    let resource =
        resource.prop_map(
            |(attributes, dropped_attributes_count, entity_refs)| Resource {
                attributes,
                dropped_attributes_count,
                entity_refs,
            },
        );
    option::of(resource)
}

fn scope(doubles: Doubles) -> impl Strategy<Value = Option<InstrumentationScope>> {
    let scope = (text(), text(), list(doubles), small());
    let scope = scope.prop_map(|(name, version, attributes, dropped_attributes_count)| {
        InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        }
    });
    option::of(scope)
}

fn event(doubles: Doubles) -> impl Strategy<Value = Event> {
    let event = (time(), text(), list(doubles), small());
    event.prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link(doubles: Doubles) -> impl Strategy<Value = Link> {
    let link = (
        id_or_none(16),
        id_or_none(8),
        text(),
        list(doubles),
        small(),
        small(),
    );
    link.prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count: dropped,
            flags,
        },
    )
}

fn span(doubles: Doubles) -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id_or_none(8), text());
    let times = (time(), time());
    let status = option::of((text(), -1..4).prop_map(|(message, code)| Status { message, code }));
    let lists = (
        list(doubles),
        vec(event(doubles), 0..3),
        vec(link(doubles), 0..2),
    );
    let counts = (small(), small(), small(), small());
    let all = (ids, text(), -1..8, times, status, lists, counts);
    all.prop_map(|(ids, name, kind, times, status, lists, counts)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        flags: counts.0,
        name,
        kind,
        start_time_unix_nano: times.0,
        end_time_unix_nano: times.1,
        attributes: lists.0,
        events: lists.1,
        links: lists.2,
        dropped_attributes_count: counts.1,
        dropped_events_count: counts.2,
        dropped_links_count: counts.3,
        status,
    })
}

fn log(doubles: Doubles) -> impl Strategy<Value = LogRecord> {
    let times = (time(), time());
    let severity = (-1..30, text());
    let ids = (id_or_none(16), id_or_none(8));
    let body = option::of(value(doubles));
    let all = (
        times,
        severity,
        ids,
        body,
        list(doubles),
        text(),
        small(),
        small(),
    );
    all.prop_map(
        |(times, severity, ids, body, attributes, event_name, dropped, flags)| LogRecord {
            time_unix_nano: times.0,
            observed_time_unix_nano: times.1,
            severity_number: severity.0,
            severity_text: severity.1,
            body,
            attributes,
            dropped_attributes_count: dropped,
            flags,
            trace_id: ids.0,
            span_id: ids.1,
            event_name,
        },
    )
}

fn exemplars(doubles: Doubles) -> impl Strategy<Value = Vec<Exemplar>> {
    let value = option::of(prop_oneof![
        doubles.any().prop_map(ExemplarNumber::AsDouble),
        any::<i64>().prop_map(ExemplarNumber::AsInt),
    ]);
    let exemplar = (list(doubles), time(), id_or_none(8), id_or_none(16), value);
    let exemplar = exemplar.prop_map(|(attributes, time, span_id, trace_id, value)| Exemplar {
        filtered_attributes: attributes,
        time_unix_nano: time,
        span_id,
        trace_id,
        value,
    });
    vec(exemplar, 0..2)
}

fn numbers(doubles: Doubles) -> impl Strategy<Value = Vec<NumberDataPoint>> {
    let value = prop_oneof![
        doubles.any().prop_map(Number::AsDouble),
        any::<i64>().prop_map(Number::AsInt),
    ];
    let point = (
        list(doubles),
        time(),
        time(),
        exemplars(doubles),
        0..4u32,
        value,
    );
    let point = point.prop_map(|(attributes, start, time, exemplars, flags, value)| {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            exemplars,
            flags,
            // A point of which the flag says that it has none has none.
            value: (flags & 1 == 0).then_some(value),
        }
    });
    vec(point, 0..3)
}

fn histograms(doubles: Doubles) -> impl Strategy<Value = Vec<HistogramDataPoint>> {
    let some = move || option::of(doubles.any());
    let bounds = vec(-1_000i32..1_000, 0..4).prop_map(|mut bounds| {
        bounds.sort_unstable();
        bounds.dedup();
        bounds.into_iter().map(f64::from).collect::<Vec<_>>()
    });
    let buckets = (bounds, vec(any::<u64>(), 5), any::<bool>());
    let totals = (any::<u64>(), some(), some(), some());
    let times = (time(), time());
    let point = (list(doubles), times, totals, buckets, exemplars(doubles));
    let point = point.prop_map(|(attributes, times, totals, buckets, exemplars)| {
        let (bounds, mut counts, has_buckets) = buckets;
        counts.truncate(bounds.len() + 1);
        HistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: totals.0,
            sum: totals.1,
            bucket_counts: if has_buckets { counts } else { vec![] },
            explicit_bounds: if has_buckets { bounds } else { vec![] },
            exemplars,
            flags: 0,
            min: totals.2,
            max: totals.3,
        }
    });
    vec(point, 0..3)
}

fn exponentials(doubles: Doubles) -> impl Strategy<Value = Vec<ExponentialHistogramDataPoint>> {
    let buckets = || {
        let buckets = (any::<i32>(), vec(any::<u64>(), 0..3));
        option::of(buckets.prop_map(|(offset, bucket_counts)| Buckets {
            offset,
            bucket_counts,
        }))
    };
    let some = move || option::of(doubles.any());
    let numbers = (
        any::<u64>(),
        any::<i32>(),
        any::<u64>(),
        doubles.unsigned_zero(),
    );
    let totals = (some(), some(), some());
    let point = (
        list(doubles),
        (time(), time()),
        numbers,
        totals,
        (buckets(), buckets()),
        exemplars(doubles),
    );
    let point = point.prop_map(|(attributes, times, numbers, totals, buckets, exemplars)| {
        ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: numbers.0,
            sum: totals.0,
            scale: numbers.1,
            zero_count: numbers.2,
            positive: buckets.0,
            negative: buckets.1,
            flags: 0,
            exemplars,
            min: totals.1,
            max: totals.2,
            zero_threshold: numbers.3,
        }
    });
    vec(point, 0..3)
}

fn summaries(doubles: Doubles) -> impl Strategy<Value = Vec<SummaryDataPoint>> {
    let at = (doubles.unsigned_zero(), doubles.unsigned_zero());
    let at = at.prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let point = (
        list(doubles),
        time(),
        time(),
        any::<u64>(),
        doubles.unsigned_zero(),
        vec(at, 0..3),
    );
    let point =
        point.prop_map(
            |(attributes, start, time, count, sum, quantile_values)| SummaryDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                quantile_values,
                flags: 0,
            },
        );
    vec(point, 0..3)
}

fn metric(doubles: Doubles) -> impl Strategy<Value = Metric> {
    let data = prop_oneof![
        numbers(doubles).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (numbers(doubles), -1..4, any::<bool>()).prop_map(|(data_points, temporality, flag)| {
            Data::Sum(Sum {
                data_points,
                aggregation_temporality: temporality,
                is_monotonic: flag,
            })
        }),
        (histograms(doubles), -1..4).prop_map(|(data_points, temporality)| {
            Data::Histogram(Histogram {
                data_points,
                aggregation_temporality: temporality,
            })
        }),
        (exponentials(doubles), -1..4).prop_map(|(data_points, temporality)| {
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points,
                aggregation_temporality: temporality,
            })
        }),
        summaries(doubles).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ];
    let all = (text(), text(), text(), list(doubles), data);
    all.prop_map(|(name, description, unit, metadata, data)| Metric {
        name,
        description,
        unit,
        metadata,
        data: Some(data),
    })
}

macro_rules! requests {
    ($name:ident, $request:ident, $field:ident, $resource:ident, $scopes:ident, $scope:ident, $records:ident, $record:ident) => {
        pub(super) fn $name(doubles: Doubles) -> impl Strategy<Value = $request> {
            let of_scope = (scope(doubles), vec($record(doubles), 0..4), text());
            let of_scope = of_scope.prop_map(|(scope, $records, schema_url)| $scope {
                scope,
                $records,
                schema_url,
            });
            let of_resource = (resource(doubles), vec(of_scope, 0..3), text());
            let of_resource = of_resource.prop_map(|(resource, $scopes, schema_url)| $resource {
                resource,
                $scopes,
                schema_url,
            });
            vec(of_resource, 0..3).prop_map(|$field| $request { $field })
        }
    };
}
requests!(
    traces,
    ExportTraceServiceRequest,
    resource_spans,
    ResourceSpans,
    scope_spans,
    ScopeSpans,
    spans,
    span
);
requests!(
    logs,
    ExportLogsServiceRequest,
    resource_logs,
    ResourceLogs,
    scope_logs,
    ScopeLogs,
    log_records,
    log
);
requests!(
    metrics,
    ExportMetricsServiceRequest,
    resource_metrics,
    ResourceMetrics,
    scope_metrics,
    ScopeMetrics,
    metrics,
    metric
);
