//! Metric requests: one with all kinds as a snapshot, and what is refused.

use crawlspace_model::Signal;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
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
use prost::Message as _;

use super::readback::{cell, render};
use super::{START, attribute, decode_body, text};
use crate::Decoded;
use crate::batch::TEXT_BYTES_MAX;

fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let resource_metrics = ResourceMetrics {
        resource: Some(Resource {
            attributes: vec![text("service.name", "shop")],
            ..Resource::default()
        }),
        scope_metrics: vec![ScopeMetrics {
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![resource_metrics],
    }
}

fn decode(metrics: Vec<Metric>) -> Decoded {
    decode_body(Signal::Metrics, &request(metrics).encode_to_vec()).unwrap()
}

fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number(value: Option<Number>) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: START - 1_000,
        time_unix_nano: START,
        value,
        ..NumberDataPoint::default()
    }
}

fn histogram(counts: &[u64], bounds: &[f64]) -> HistogramDataPoint {
    HistogramDataPoint {
        time_unix_nano: START,
        count: counts.iter().sum(),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        ..HistogramDataPoint::default()
    }
}

fn exemplar() -> Exemplar {
    Exemplar {
        filtered_attributes: vec![text("user.id", "u1")],
        time_unix_nano: START - 5,
        span_id: vec![2; 8],
        trace_id: vec![1; 16],
        value: Some(ExemplarNumber::AsInt(i64::MAX)),
    }
}

fn gauge(points: Vec<NumberDataPoint>) -> Data {
    Data::Gauge(Gauge {
        data_points: points,
    })
}

fn histograms(points: Vec<HistogramDataPoint>) -> Data {
    Data::Histogram(Histogram {
        data_points: points,
        aggregation_temporality: 1,
    })
}

fn queue_depth() -> Metric {
    Metric {
        description: "jobs that wait".into(),
        unit: "{job}".into(),
        metadata: vec![text("owner", "team a")],
        ..metric(
            "queue.depth",
            gauge(vec![
                NumberDataPoint {
                    attributes: vec![
                        text("queue", "mail"),
                        text("unit", "not the unit"),
                        attribute("shard", Any::IntValue(3)),
                    ],
                    exemplars: vec![exemplar(), Exemplar::default()],
                    ..number(Some(Number::AsInt(i64::MAX)))
                },
                NumberDataPoint {
                    flags: 1,
                    ..number(None)
                },
            ]),
        )
    }
}

fn exponential() -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        time_unix_nano: START,
        count: 6,
        sum: Some(-1.0),
        scale: -3,
        zero_count: 1,
        positive: Some(Buckets {
            offset: -4,
            bucket_counts: vec![2, 0, 3],
        }),
        negative: Some(Buckets::default()),
        zero_threshold: 0.001,
        ..ExponentialHistogramDataPoint::default()
    }
}

fn full_request() -> ExportMetricsServiceRequest {
    let requests = Sum {
        data_points: vec![NumberDataPoint {
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            ..number(Some(Number::AsDouble(f64::NAN)))
        }],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let latency = HistogramDataPoint {
        start_time_unix_nano: START - 1_000,
        sum: Some(12.5),
        min: Some(0.5),
        max: Some(9.0),
        exemplars: vec![Exemplar {
            value: Some(ExemplarNumber::AsDouble(9.0)),
            ..Exemplar::default()
        }],
        ..histogram(&[1, 0, 2], &[1.0, 5.0])
    };
    let summary = SummaryDataPoint {
        time_unix_nano: START,
        count: 4,
        sum: 10.0,
        quantile_values: vec![
            ValueAtQuantile {
                quantile: 0.5,
                value: 2.0,
            },
            ValueAtQuantile {
                quantile: 1.0,
                value: 4.0,
            },
        ],
        ..SummaryDataPoint::default()
    };
    request(vec![
        queue_depth(),
        metric("requests", Data::Sum(requests)),
        metric("latency", histograms(vec![latency, histogram(&[], &[])])),
        metric(
            "size",
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential()],
                aggregation_temporality: 2,
            }),
        ),
        metric(
            "gc",
            Data::Summary(Summary {
                data_points: vec![summary],
            }),
        ),
        Metric {
            name: "without data".into(),
            ..Metric::default()
        },
    ])
}

#[test]
fn a_metric_request_with_every_kind() {
    let decoded = decode_body(Signal::Metrics, &full_request().encode_to_vec()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (7, 0));
    insta::assert_snapshot!(render(&decoded));
}

/// Of three points the second is refused, for `reason`, or stored.
fn check(middle: Data, reason: Option<&str>) {
    let good = || metric("good", gauge(vec![number(Some(Number::AsInt(1)))]));
    let decoded = decode(vec![good(), metric("m", middle), good()]);
    let rejected = u64::from(reason.is_some());
    assert_eq!(
        (decoded.accepted, decoded.rejected),
        (3 - rejected, rejected),
        "{reason:?}"
    );
    let message = reason.map(|reason| format!("data points refused because {reason}"));
    assert_eq!(decoded.messages, Vec::from_iter(message));
}

#[test]
fn a_point_without_a_value_is_refused_unless_it_says_so() {
    let reason =
        "they have no value, and no flag that says so: 1, for example one of `m` with no value";
    check(gauge(vec![number(None)]), Some(reason));
    let flagged = |value| NumberDataPoint {
        flags: 1,
        ..number(value)
    };
    for value in [None, Some(Number::AsDouble(0.0))] {
        check(gauge(vec![flagged(value)]), None);
        let decoded = decode(vec![metric("m", gauge(vec![flagged(value)]))]);
        let batch = &decoded.batches[0].1;
        assert_eq!(cell(batch, "value", 0), None);
        assert_eq!(
            cell(batch, "otlp", 0).as_deref(),
            Some(r#""{\"flags\":1}""#)
        );
    }
}

#[test]
fn a_histogram_whose_counts_do_not_fit_its_bounds_is_refused() {
    for (counts, bounds, fits) in [
        (&[][..], &[][..], true),
        (&[1], &[], true),
        (&[1, 2], &[0.0], true),
        (&[1, 2, 3], &[-1.0, f64::INFINITY], true),
        (&[1], &[0.0], false),
        (&[], &[0.0], false),
        (&[1, 2, 3], &[1.0], false),
        (&[1, 2, 3], &[1.0, 1.0], false),
        (&[1, 2, 3], &[2.0, 1.0], false),
        (&[1, 2], &[f64::NAN], false),
    ] {
        let reason = format!(
            "their bucket counts do not fit their bounds: bounds increase, and there is one count more: 1, for example one of `m` with {} counts and {} bounds",
            counts.len(),
            bounds.len()
        );
        check(
            histograms(vec![histogram(counts, bounds)]),
            (!fits).then_some(&*reason),
        );
    }
}

#[test]
fn a_point_with_a_time_beyond_the_column_is_refused() {
    let late = i64::MAX.unsigned_abs() + 1;
    let reason =
        "a time is after the year 2262: 1, for example one of `m` with time 9223372036854775808";
    let point = || number(Some(Number::AsInt(1)));
    for bad in [
        NumberDataPoint {
            time_unix_nano: late,
            ..point()
        },
        NumberDataPoint {
            start_time_unix_nano: late,
            ..point()
        },
        NumberDataPoint {
            exemplars: vec![Exemplar {
                time_unix_nano: late,
                ..exemplar()
            }],
            ..point()
        },
    ] {
        check(gauge(vec![bad]), Some(reason));
    }
}

#[test]
fn exemplars_that_do_not_fit_are_left_out_and_marked() {
    let large = Exemplar {
        filtered_attributes: vec![text("k", &"x".repeat(TEXT_BYTES_MAX / 2))],
        ..exemplar()
    };
    let point = NumberDataPoint {
        exemplars: vec![large.clone(), large],
        ..number(Some(Number::AsInt(1)))
    };
    let decoded = decode(vec![metric("m", gauge(vec![point]))]);
    let batch = &decoded.batches[0].1;
    let kept: String = serde_json::from_str(&cell(batch, "exemplars", 0).unwrap()).unwrap();
    let kept: Vec<serde_json::Value> = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        cell(batch, "exemplars.truncated", 0).as_deref(),
        Some("true")
    );
}
