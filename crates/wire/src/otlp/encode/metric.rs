//! Rows of `metrics` as data points, those of one metric together.

use std::collections::HashMap;

use arrow::datatypes::{Float64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarNumber;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, Sum, Summary, SummaryDataPoint,
};
use prost::Message as _;

use super::cells::Row;
use super::group::Groups;
use super::log::time_sent;
use super::origin::{Origins, Parts};
use super::value::{Members, objects};
use crate::otlp::enums::{TEMPORALITY, number_of};

pub(super) fn encode(rows: &[RecordBatch]) -> Vec<ResourceMetrics> {
    let mut groups = Groups::new();
    // A metric's place in its scope, by the scope and the metric without points.
    let mut metric_at: HashMap<(usize, Vec<u8>), usize> = HashMap::new();
    let mut origins = Origins::new(Table::Metrics);
    for row in Row::all(rows) {
        let mut parts = origins.parts(row);
        let metric = metric(row, &parts.members);
        let scope = groups.scope(parts.origin.clone());
        let metrics = groups.records(scope);
        let at = *metric_at
            .entry((scope, metric.encode_to_vec()))
            .or_insert_with(|| {
                metrics.push(metric);
                metrics.len() - 1
            });
        if let Some(data) = &mut metrics[at].data {
            push_point(data, row, &mut parts);
        }
    }
    groups.finish()
}

/// The metric of a row, without points.
fn metric(row: Row<'_>, members: &Members) -> Metric {
    let aggregation_temporality = number_of(
        TEMPORALITY,
        row.text("temporality").unwrap_or("unspecified"),
    );
    let data = match row.text("kind").unwrap_or_default() {
        "gauge" => Data::Gauge(Gauge::default()),
        "sum" => Data::Sum(Sum {
            aggregation_temporality,
            is_monotonic: row.bool("monotonic").unwrap_or_default(),
            ..Sum::default()
        }),
        "histogram" => Data::Histogram(Histogram {
            aggregation_temporality,
            ..Histogram::default()
        }),
        "exponential_histogram" => Data::ExponentialHistogram(ExponentialHistogram {
            aggregation_temporality,
            ..ExponentialHistogram::default()
        }),
        _ => Data::Summary(Summary::default()),
    };
    Metric {
        name: row.owned_text("name"),
        description: row.owned_text("description"),
        unit: row.owned_text("unit"),
        metadata: members.attributes("metadata"),
        data: Some(data),
    }
}

fn push_point(data: &mut Data, row: Row<'_>, parts: &mut Parts) {
    let attributes = std::mem::take(&mut parts.attributes);
    let members = &parts.members;
    let start_time_unix_nano = row.time("start_time");
    let time_unix_nano = time_sent(row, members);
    let flags = members.count("flags");
    let exemplars = || {
        objects(row.text("exemplars"))
            .iter()
            .map(exemplar)
            .collect()
    };
    let count = row.unsigned("count").unwrap_or_default();
    let (sum, min, max) = (row.double("sum"), row.double("min"), row.double("max"));
    match data {
        Data::Gauge(Gauge { data_points }) | Data::Sum(Sum { data_points, .. }) => {
            let int = row.int("value_int").map(Number::AsInt);
            data_points.push(NumberDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                exemplars: exemplars(),
                flags,
                value: int.or_else(|| row.double("value").map(Number::AsDouble)),
            });
        }
        Data::Histogram(histogram) => histogram.data_points.push(HistogramDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            count,
            sum,
            bucket_counts: row.numbers::<UInt64Type>("bucket_counts"),
            explicit_bounds: row.numbers::<Float64Type>("bounds"),
            exemplars: exemplars(),
            flags,
            min,
            max,
        }),
        Data::ExponentialHistogram(histogram) => {
            histogram.data_points.push(ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum,
                flags,
                exemplars: exemplars(),
                min,
                max,
                ..exponential(row)
            });
        }
        Data::Summary(summary) => {
            let quantiles = row.numbers::<Float64Type>("quantiles").into_iter();
            let values = row.numbers::<Float64Type>("quantile_values");
            summary.data_points.push(SummaryDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum: sum.unwrap_or_default(),
                quantile_values: quantiles
                    .zip(values)
                    .map(|(quantile, value)| ValueAtQuantile { quantile, value })
                    .collect(),
                flags,
            });
        }
    }
}

/// What exponential histograms alone have.
fn exponential(row: Row<'_>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        scale: row.int32("scale").unwrap_or_default(),
        zero_count: row.unsigned("zero_count").unwrap_or_default(),
        positive: buckets(row, "positive_offset", "positive_counts"),
        negative: buckets(row, "negative_offset", "negative_counts"),
        zero_threshold: row.double("zero_threshold").unwrap_or_default(),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn buckets(row: Row<'_>, offset: &str, counts: &str) -> Option<Buckets> {
    Some(Buckets {
        offset: row.int32(offset)?,
        bucket_counts: row.numbers::<UInt64Type>(counts),
    })
}

fn exemplar(members: &Members) -> Exemplar {
    Exemplar {
        filtered_attributes: members.attributes("attributes"),
        time_unix_nano: members.int("time").cast_unsigned(),
        span_id: members.id("span_id"),
        trace_id: members.id("trace_id"),
        value: match members.value("value") {
            Some(Any::DoubleValue(number)) => Some(ExemplarNumber::AsDouble(*number)),
            Some(Any::IntValue(number)) => Some(ExemplarNumber::AsInt(*number)),
            _ => None,
        },
    }
}
