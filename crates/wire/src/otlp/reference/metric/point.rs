//! Data points of the five kinds: what they share, what their values must keep to, and the columns
//! that these fill.

use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarNumber;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    DataPointFlags, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint,
};

use super::TOO_DEEP;
use crate::batch::{Cell, TableBuilder};
use crate::otlp::notes::{Notes, Refusal, quoted};
use crate::otlp::reference::value::{Attributes, TooDeep, attributes};
use crate::otlp::row::push_text;
use crate::otlp::tree::Intake;

const BAD_TIME: &str = "data points refused because a time is after the year 2262";
const NO_VALUE: &str = "data points refused because they have no value, and no flag that says so";
const BAD_BUCKETS: &str = "data points refused because their bucket counts do not fit their bounds: bounds increase, and there is one count more";

/// A point of any kind.
pub(super) struct Point<'a> {
    attributes: &'a [KeyValue],
    start_time_unix_nano: u64,
    pub(super) time_unix_nano: u64,
    exemplars: &'a [Exemplar],
    pub(super) flags: u32,
    values: Values<'a>,
}

enum Values<'a> {
    Number(Option<Number>),
    Histogram(&'a HistogramDataPoint),
    Exponential(&'a ExponentialHistogramDataPoint),
    Summary(&'a SummaryDataPoint),
}

pub(super) fn points(data: &Data) -> Box<dyn Iterator<Item = Point<'_>> + '_> {
    match data {
        Data::Gauge(data) => Box::new(data.data_points.iter().map(Point::of_number)),
        Data::Sum(data) => Box::new(data.data_points.iter().map(Point::of_number)),
        Data::Histogram(data) => Box::new(data.data_points.iter().map(|point| Point {
            attributes: &point.attributes,
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: &point.exemplars,
            flags: point.flags,
            values: Values::Histogram(point),
        })),
        Data::ExponentialHistogram(data) => Box::new(data.data_points.iter().map(|point| Point {
            attributes: &point.attributes,
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: &point.exemplars,
            flags: point.flags,
            values: Values::Exponential(point),
        })),
        Data::Summary(data) => Box::new(data.data_points.iter().map(|point| Point {
            attributes: &point.attributes,
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: &[],
            flags: point.flags,
            values: Values::Summary(point),
        })),
    }
}

impl<'a> Point<'a> {
    fn of_number(point: &'a NumberDataPoint) -> Self {
        Self {
            attributes: &point.attributes,
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: &point.exemplars,
            flags: point.flags,
            values: Values::Number(point.value),
        }
    }

    /// True for a point that says only that there is nothing to say any more.
    pub(super) fn is_without_value(&self) -> bool {
        self.flags & DataPointFlags::NoRecordedValueMask as u32 != 0
    }

    /// Why the values can't be stored.
    fn fault(&self) -> Option<(&'static str, String)> {
        match self.values {
            _ if self.is_without_value() => None,
            Values::Number(None) => Some((NO_VALUE, "no value".to_owned())),
            Values::Histogram(point) => {
                let (bounds, counts) = (&point.explicit_bounds, point.bucket_counts.len());
                let fits = counts == bounds.len() + 1 || counts == 0 && bounds.is_empty();
                let increases =
                    bounds.is_sorted_by(|a, b| a < b) && !bounds.iter().any(|bound| bound.is_nan());
                (!fits || !increases).then(|| {
                    let what = format!("{counts} counts and {} bounds", bounds.len());
                    (BAD_BUCKETS, what)
                })
            }
            _ => None,
        }
    }

    /// Fills the columns of the values in the open row.
    pub(super) fn set_values(&self, row: &mut TableBuilder) {
        match self.values {
            Values::Number(None) => {}
            Values::Number(Some(Number::AsDouble(number))) => {
                row.set("value", Cell::Double(number));
            }
            Values::Number(Some(Number::AsInt(number))) => {
                row.set("value", Cell::Double(number as f64));
                row.set("value_int", Cell::Int(number));
            }
            Values::Histogram(point) => {
                set_totals(row, point.count, point.sum, point.min, point.max);
                if !point.bucket_counts.is_empty() {
                    row.set("bounds", Cell::Doubles(&point.explicit_bounds));
                    row.set("bucket_counts", Cell::UnsignedList(&point.bucket_counts));
                }
            }
            Values::Exponential(point) => {
                set_totals(row, point.count, point.sum, point.min, point.max);
                row.set("scale", Cell::Int32(point.scale));
                row.set("zero_count", Cell::Unsigned(point.zero_count));
                row.set("zero_threshold", Cell::Double(point.zero_threshold));
                set_buckets(
                    row,
                    "positive_offset",
                    "positive_counts",
                    point.positive.as_ref(),
                );
                set_buckets(
                    row,
                    "negative_offset",
                    "negative_counts",
                    point.negative.as_ref(),
                );
            }
            Values::Summary(point) => {
                set_totals(row, point.count, Some(point.sum), None, None);
                let (quantiles, values): (Vec<f64>, Vec<f64>) = point
                    .quantile_values
                    .iter()
                    .map(|at| (at.quantile, at.value))
                    .unzip();
                if !quantiles.is_empty() {
                    row.set("quantiles", Cell::Doubles(&quantiles));
                    row.set("quantile_values", Cell::Doubles(&values));
                }
            }
        }
    }
}

fn set_totals(
    row: &mut TableBuilder,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
) {
    row.set("count", Cell::Unsigned(count));
    for (column, number) in [("sum", sum), ("min", min), ("max", max)] {
        if let Some(number) = number {
            row.set(column, Cell::Double(number));
        }
    }
}

fn set_buckets(row: &mut TableBuilder, offset: &str, counts: &str, buckets: Option<&Buckets>) {
    if let Some(buckets) = buckets {
        row.set(offset, Cell::Int32(buckets.offset));
        row.set(counts, Cell::UnsignedList(&buckets.bucket_counts));
    }
}

/// A point that is fit to be stored, with what had to be converted to know that.
pub(super) struct Record<'a> {
    pub(super) point: Point<'a>,
    pub(super) time: i64,
    pub(super) start: Option<i64>,
    pub(super) attributes: Attributes<'a>,
    /// As JSON, one each.
    pub(super) exemplars: Vec<String>,
}

impl<'a> Record<'a> {
    pub(super) fn check(
        metric: &Metric,
        point: Point<'a>,
        intake: &mut Intake,
    ) -> Result<Self, Refusal> {
        let refuse = |cause, what: String| Refusal {
            cause,
            example: format!("one of {} with {what}", quoted(&metric.name)),
        };
        let too_deep = |TooDeep| refuse(TOO_DEEP, "such a value".to_owned());
        let exemplar_times = point
            .exemplars
            .iter()
            .map(|exemplar| exemplar.time_unix_nano);
        let mut times = exemplar_times.chain([point.time_unix_nano, point.start_time_unix_nano]);
        if let Some(nanos) = times.find(|nanos| i64::try_from(*nanos).is_err()) {
            return Err(refuse(BAD_TIME, format!("time {nanos}")));
        }
        if let Some((cause, what)) = point.fault() {
            return Err(refuse(cause, what));
        }
        let nonzero = |nanos: u64| (nanos != 0).then_some(nanos.cast_signed());
        let notes = &mut intake.notes;
        let exemplars = point
            .exemplars
            .iter()
            .map(|exemplar| exemplar_text(exemplar, notes));
        Ok(Self {
            exemplars: exemplars.collect::<Result<_, _>>().map_err(too_deep)?,
            attributes: attributes(point.attributes, notes).map_err(too_deep)?,
            time: nonzero(point.time_unix_nano).unwrap_or(intake.received_at.0),
            start: nonzero(point.start_time_unix_nano),
            point,
        })
    }
}

/// One exemplar as a JSON object of the members that differ from the default; the ids in hex, of
/// any length.
fn exemplar_text(exemplar: &Exemplar, notes: &mut Notes) -> Result<String, TooDeep> {
    let (trace_id, span_id) = (hex(&exemplar.trace_id), hex(&exemplar.span_id));
    let mut members = Vec::new();
    if exemplar.time_unix_nano != 0 {
        members.push(("time", Value::Int(exemplar.time_unix_nano.cast_signed())));
    }
    match exemplar.value {
        Some(ExemplarNumber::AsDouble(number)) => members.push(("value", Value::Double(number))),
        Some(ExemplarNumber::AsInt(number)) => members.push(("value", Value::Int(number))),
        None => {}
    }
    push_text(&mut members, "trace_id", &trace_id);
    push_text(&mut members, "span_id", &span_id);
    let attributes = attributes(&exemplar.filtered_attributes, notes)?;
    if !attributes.is_empty() {
        members.push(("attributes", Value::Map(attributes)));
    }
    Ok(Value::Map(members).to_json())
}
