//! Metrics: data points as rows of `metrics`, each with what its metric says.

mod point;

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::origin::{Origin, Source};
use super::tree::{self, add_resources, check_size};
use super::value::{Attributes, attributes, set_attributes};
use crate::batch::{Cell, TableBuilder};
use crate::otlp::enums::{TEMPORALITY, name_of};
use crate::otlp::notes::quoted;
use crate::otlp::row::{push_count, push_no_time, set_list, set_members, set_text};
use crate::otlp::tree::Intake;
use crate::{Decoded, Error};
use point::Record;

const TOO_DEEP: &str = "data points refused because an attribute value is nested deeper than 64";

/// The rows of a decoded request, whatever it was written in.
///
/// # Errors
/// `TooLarge` when they would take too much memory.
pub(super) fn decode(
    request: &ExportMetricsServiceRequest,
    intake: Intake,
) -> Result<Decoded, Error> {
    let mut rows = Rows {
        metrics: TableBuilder::new(Table::Metrics),
        intake,
    };
    add_resources(&request.resource_metrics, &mut rows)?;
    let accepted = rows.metrics.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.metrics]))
}

struct Rows {
    metrics: TableBuilder,
    intake: Intake,
}

/// What a metric says of its points, by its kind.
struct Kind {
    name: &'static str,
    temporality: Option<i32>,
    monotonic: Option<bool>,
}

impl Kind {
    fn of(data: &Data) -> Self {
        let (name, temporality, monotonic) = match data {
            Data::Gauge(_) => ("gauge", None, None),
            Data::Sum(sum) => {
                let temporality = Some(sum.aggregation_temporality);
                ("sum", temporality, Some(sum.is_monotonic))
            }
            Data::Histogram(data) => ("histogram", Some(data.aggregation_temporality), None),
            Data::ExponentialHistogram(data) => {
                let temporality = Some(data.aggregation_temporality);
                ("exponential_histogram", temporality, None)
            }
            Data::Summary(_) => ("summary", None, None),
        };
        Self {
            name,
            temporality: temporality.filter(|number| *number != 0),
            monotonic,
        }
    }
}

impl tree::Rows for Rows {
    type Record = Metric;
    const TOO_DEEP: &'static str = TOO_DEEP;

    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn count(metric: &Metric) -> u64 {
        metric.data.as_ref().map_or(0, |data| match data {
            Data::Gauge(data) => data.data_points.len(),
            Data::Sum(data) => data.data_points.len(),
            Data::Histogram(data) => data.data_points.len(),
            Data::ExponentialHistogram(data) => data.data_points.len(),
            Data::Summary(data) => data.data_points.len(),
        }) as u64
    }

    fn add_scope(&mut self, source: &Source<'_>, metrics: &[Metric]) -> Result<(), Error> {
        let mut origin = Origin::new(Table::Metrics, source);
        for metric in metrics {
            let Some(data) = &metric.data else { continue };
            let Ok(metadata) = attributes(&metric.metadata, &mut self.intake.notes) else {
                let count = Self::count(metric);
                self.intake.rejected += count;
                let name = || format!("the metadata of {}", quoted(&metric.name));
                self.intake.notes.add(TOO_DEEP, count, name);
                continue;
            };
            // The same for all points of the metric.
            let mut members = source.carried.clone();
            if !metadata.is_empty() {
                members.push(("metadata", Value::Map(metadata)));
            }
            let kind = Kind::of(data);
            for point in point::points(data) {
                match Record::check(metric, point, &mut self.intake) {
                    Ok(record) => self.add(metric, &kind, &record, &mut origin, &members)?,
                    Err(refusal) => self.intake.refuse(refusal),
                }
            }
        }
        Ok(())
    }
}

impl Rows {
    fn add(
        &mut self,
        metric: &Metric,
        kind: &Kind,
        record: &Record<'_>,
        origin: &mut Origin<'_>,
        of_metric: &Attributes<'_>,
    ) -> Result<(), Error> {
        let (point, row) = (&record.point, &mut self.metrics);
        row.set("time", Cell::Time(record.time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        if let Some(start) = record.start {
            row.set("start_time", Cell::Time(start));
        }
        row.set("name", Cell::Text(&metric.name));
        set_text(row, "description", &metric.description);
        set_text(row, "unit", &metric.unit);
        row.set("kind", Cell::Text(kind.name));
        if let Some(temporality) = kind.temporality {
            row.set(
                "temporality",
                Cell::Text(&name_of(TEMPORALITY, temporality)),
            );
        }
        if let Some(monotonic) = kind.monotonic {
            row.set("monotonic", Cell::Bool(monotonic));
        }
        if !point.is_without_value() {
            point.set_values(row);
        }
        set_list(row, "exemplars", &record.exemplars);
        set_attributes(row, &record.attributes);
        origin.write(row, 1.0);
        let mut members = Vec::new();
        push_no_time(&mut members, point.time_unix_nano);
        push_count(&mut members, "flags", point.flags);
        members.extend(of_metric.iter().cloned());
        set_members(row, members);
        row.end_row();
        check_size(row.size_bytes())
    }
}
