//! Metrics: data points as rows of `metrics`, each with what its metric says.

mod point;

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;

use super::enums::{TEMPORALITY, name_of};
use super::origin::{Origin, Source};
use super::protobuf::{Malformed, Reader};
use super::row::{push_count, push_no_time, set_list, set_members, set_text};
use super::tree::{self, Failure, Intake, add_resources};
use super::value::{Attributes, List, Lists};
use crate::Decoded;
use crate::batch::{Cell, TableBuilder};
use point::{Checked, Kind, Point};

/// The rows of an `ExportMetricsServiceRequest`.
///
/// # Errors
/// When the body is none, or the rows would take too much memory.
pub(super) fn decode(body: &[u8], intake: Intake) -> Result<Decoded, Failure> {
    let mut rows = Rows {
        metrics: TableBuilder::new(Table::Metrics),
        intake,
        lists: Lists::default(),
    };
    add_resources(body, &mut rows)?;
    let accepted = rows.metrics.rows() as u64;
    Ok(rows.intake.into_decoded(accepted, [rows.metrics]))
}

struct Rows<'a> {
    metrics: TableBuilder,
    intake: Intake,
    /// The attributes of the points of the metric that is being read.
    lists: Lists<'a>,
}

/// A metric as it was read.
#[derive(Default)]
struct Metric<'a> {
    name: &'a str,
    description: &'a str,
    unit: &'a str,
    metadata: List<'a>,
    data: Option<Data<'a>>,
}

struct Data<'a> {
    kind: Kind,
    points: Vec<Point<'a>>,
    temporality: i32,
    is_monotonic: bool,
}

impl<'a> tree::Rows<'a> for Rows<'a> {
    fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    fn add_scope(&mut self, source: &Source<'_>, records: &[Reader<'a>]) -> Result<(), Failure> {
        let mut origin = Origin::new(&mut self.metrics, source);
        for record in records {
            let metric = self.read(*record)?;
            let Some(data) = &metric.data else { continue };
            self.intake.notes.shorten(metric.metadata.extra);
            // The same for all points of the metric.
            let mut members = source.carried.clone();
            if !metric.metadata.entries.is_empty() {
                let metadata = metric.metadata.entries.clone();
                members.push(("metadata", Value::Map(metadata)));
            }
            for point in &data.points {
                match point.check(metric.name, &mut self.intake) {
                    Ok(checked) => {
                        self.add((&metric, data, point), &checked, &mut origin, &members)?;
                    }
                    Err(refusal) => self.intake.refuse(refusal),
                }
            }
        }
        origin.finish(&mut self.metrics);
        Ok(())
    }
}

impl<'a> Rows<'a> {
    fn read(&mut self, mut message: Reader<'a>) -> Result<Metric<'a>, Malformed> {
        self.lists.clear();
        let mut metric = Metric::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => metric.name = message.text(tag)?,
                2 => metric.description = message.text(tag)?,
                3 => metric.unit = message.text(tag)?,
                12 => metric.metadata.add(message.message(tag)?)?,
                field => match Kind::of_field(field) {
                    Some(kind) => {
                        let data = metric.data.take();
                        let data = data.filter(|data| data.kind == kind);
                        metric.data = Some(self.read_data(data, kind, message.message(tag)?)?);
                    }
                    None => message.skip(tag)?,
                },
            }
        }
        Ok(metric)
    }

    /// The data of a metric, which go on with `before` if they come in pieces.
    fn read_data(
        &mut self,
        before: Option<Data<'a>>,
        kind: Kind,
        mut message: Reader<'a>,
    ) -> Result<Data<'a>, Malformed> {
        let mut data = before.unwrap_or(Data {
            kind,
            points: Vec::new(),
            temporality: 0,
            is_monotonic: false,
        });
        while let Some(tag) = message.tag()? {
            match (tag.field, kind) {
                (1, _) => {
                    let point = message.message(tag)?;
                    let point = Point::read(kind, point, &mut self.lists, &mut self.metrics)?;
                    data.points.push(point);
                }
                (2, Kind::Sum | Kind::Histogram | Kind::Exponential) => {
                    data.temporality = message.int32(tag)?;
                }
                (3, Kind::Sum) => data.is_monotonic = message.flag(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(data)
    }

    fn add(
        &mut self,
        (metric, data, point): (&Metric<'a>, &Data<'a>, &Point<'a>),
        checked: &Checked,
        origin: &mut Origin<'_>,
        of_metric: &Attributes<'_>,
    ) -> Result<(), Failure> {
        let row = &mut self.metrics;
        row.set("time", Cell::Time(checked.time));
        row.set("received_at", Cell::Time(self.intake.received_at.0));
        if let Some(start) = checked.start {
            row.set("start_time", Cell::Time(start));
        }
        row.set("name", Cell::Text(metric.name));
        set_text(row, "description", metric.description);
        set_text(row, "unit", metric.unit);
        row.set("kind", Cell::Text(data.kind.name()));
        if data.temporality != 0 {
            let temporality = name_of(TEMPORALITY, data.temporality);
            row.set("temporality", Cell::Text(&temporality));
        }
        if data.kind == Kind::Sum {
            row.set("monotonic", Cell::Bool(data.is_monotonic));
        }
        if !point.is_without_value() {
            point.set_values(row);
        }
        set_list(row, "exemplars", &checked.exemplars);
        self.lists.put(&point.attributes, row);
        origin.write(row, 1.0);
        let mut members = Vec::new();
        push_no_time(&mut members, point.time);
        push_count(&mut members, "flags", point.flags);
        members.extend(of_metric.iter().cloned());
        set_members(row, members);
        row.end_row();
        tree::check_size(row.size_bytes())
    }
}
