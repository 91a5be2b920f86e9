//! Data points of the five kinds: what they share, what their values must keep to, and the columns
//! that these fill.

use crawlspace_model::attribute::Value;
use crawlspace_model::id::hex;

use crate::batch::{Cell, TableBuilder};
use crate::otlp::notes::{Notes, Refusal, quoted};
use crate::otlp::protobuf::{Malformed, Reader, Tag};
use crate::otlp::row::push_text;
use crate::otlp::tree::Intake;
use crate::otlp::value::{List, Lists, RowList};

const BAD_TIME: &str = "data points refused because a time is after the year 2262";
const NO_VALUE: &str = "data points refused because they have no value, and no flag that says so";
const BAD_BUCKETS: &str = "data points refused because their bucket counts do not fit their bounds: bounds increase, and there is one count more";

/// OTLP's flag of a point that says only that there is nothing to say any more.
const NO_RECORDED_VALUE: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

impl Kind {
    /// By the field of a metric that has such data.
    pub(super) fn of_field(field: u32) -> Option<Self> {
        Some(match field {
            5 => Self::Gauge,
            7 => Self::Sum,
            9 => Self::Histogram,
            10 => Self::Exponential,
            11 => Self::Summary,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum => "sum",
            Self::Histogram => "histogram",
            Self::Exponential => "exponential_histogram",
            Self::Summary => "summary",
        }
    }
}

/// A point of any kind, as it was read.
pub(super) struct Point<'a> {
    pub(super) attributes: RowList<'a>,
    start: u64,
    pub(super) time: u64,
    exemplars: Vec<Exemplar<'a>>,
    pub(super) flags: u32,
    values: Values,
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Double(f64),
    Int(i64),
}

enum Values {
    Number(Option<Number>),
    Histogram(Totals, Histogram),
    Exponential(Totals, Exponential),
    Summary(Totals, Quantiles),
}

#[derive(Default)]
struct Totals {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(Default)]
struct Histogram {
    counts: Vec<u64>,
    bounds: Vec<f64>,
}

#[derive(Default)]
struct Exponential {
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Option<Buckets>,
    negative: Option<Buckets>,
}

#[derive(Default)]
struct Buckets {
    offset: i32,
    counts: Vec<u64>,
}

#[derive(Default)]
struct Quantiles {
    quantiles: Vec<f64>,
    values: Vec<f64>,
}

#[derive(Default)]
struct Exemplar<'a> {
    time: u64,
    value: Option<Number>,
    span_id: &'a [u8],
    trace_id: &'a [u8],
    attributes: List<'a>,
}

/// The fields that points of all kinds have, each kind under a number of its own.
enum Shared {
    Attribute,
    Exemplar,
    Flags,
}

impl Shared {
    fn of_field(kind: Kind, field: u32) -> Option<Self> {
        Some(match (kind, field) {
            (Kind::Gauge | Kind::Sum | Kind::Summary, 7)
            | (Kind::Histogram, 9)
            | (Kind::Exponential, 1) => Self::Attribute,
            (Kind::Gauge | Kind::Sum, 5) | (Kind::Histogram, 8) | (Kind::Exponential, 11) => {
                Self::Exemplar
            }
            (Kind::Gauge | Kind::Sum | Kind::Summary, 8)
            | (Kind::Histogram | Kind::Exponential, 10) => Self::Flags,
            _ => return None,
        })
    }
}

impl<'a> Point<'a> {
    /// Reads a point; its attributes become a list of `lists`.
    pub(super) fn read(
        kind: Kind,
        mut message: Reader<'a>,
        lists: &mut Lists<'a>,
        row: &mut TableBuilder,
    ) -> Result<Self, Malformed> {
        let mut point = Self {
            attributes: lists.start(),
            start: 0,
            time: 0,
            exemplars: Vec::new(),
            flags: 0,
            values: Values::none_of(kind),
        };
        while let Some(tag) = message.tag()? {
            match (tag.field, Shared::of_field(kind, tag.field)) {
                (2, _) => point.start = message.fixed64(tag)?,
                (3, _) => point.time = message.fixed64(tag)?,
                (_, Some(Shared::Attribute)) => {
                    lists.add(&mut point.attributes, message.message(tag)?, row)?;
                }
                (_, Some(Shared::Exemplar)) => {
                    let exemplar = Exemplar::read(message.message(tag)?)?;
                    point.exemplars.push(exemplar);
                }
                (_, Some(Shared::Flags)) => point.flags = message.uint32(tag)?,
                (_, None) => point.values.merge_field(tag, &mut message)?,
            }
        }
        Ok(point)
    }

    /// True for a point that says only that there is nothing to say any more.
    pub(super) fn is_without_value(&self) -> bool {
        self.flags & NO_RECORDED_VALUE != 0
    }

    /// Why the values can't be stored.
    fn fault(&self) -> Option<(&'static str, String)> {
        match &self.values {
            _ if self.is_without_value() => None,
            Values::Number(None) => Some((NO_VALUE, "no value".to_owned())),
            Values::Histogram(_, Histogram { counts, bounds }) => {
                let fits =
                    counts.len() == bounds.len() + 1 || counts.is_empty() && bounds.is_empty();
                let increases =
                    bounds.is_sorted_by(|a, b| a < b) && !bounds.iter().any(|bound| bound.is_nan());
                (!fits || !increases).then(|| {
                    let what = format!("{} counts and {} bounds", counts.len(), bounds.len());
                    (BAD_BUCKETS, what)
                })
            }
            _ => None,
        }
    }

    pub(super) fn check(&self, metric: &str, intake: &mut Intake) -> Result<Checked, Refusal> {
        let refuse = |cause, what: String| Refusal {
            cause,
            example: format!("one of {} with {what}", quoted(metric)),
        };
        let exemplar_times = self.exemplars.iter().map(|exemplar| exemplar.time);
        let mut times = exemplar_times.chain([self.time, self.start]);
        if let Some(nanos) = times.find(|nanos| i64::try_from(*nanos).is_err()) {
            return Err(refuse(BAD_TIME, format!("time {nanos}")));
        }
        if let Some((cause, what)) = self.fault() {
            return Err(refuse(cause, what));
        }
        let nonzero = |nanos: u64| (nanos != 0).then_some(nanos.cast_signed());
        let notes = &mut intake.notes;
        let exemplars = self.exemplars.iter();
        let exemplars = exemplars.map(|exemplar| exemplar.to_text(notes)).collect();
        notes.shorten(self.attributes.extra);
        Ok(Checked {
            exemplars,
            time: nonzero(self.time).unwrap_or(intake.received_at.0),
            start: nonzero(self.start),
        })
    }

    /// Fills the columns of the values in the open row.
    pub(super) fn set_values(&self, row: &mut TableBuilder) {
        match &self.values {
            Values::Number(None) => {}
            Values::Number(Some(Number::Double(number))) => {
                row.set("value", Cell::Double(*number));
            }
            Values::Number(Some(Number::Int(number))) => {
                row.set("value", Cell::Double(*number as f64));
                row.set("value_int", Cell::Int(*number));
            }
            Values::Histogram(totals, Histogram { counts, bounds }) => {
                totals.set(row);
                if !counts.is_empty() {
                    row.set("bounds", Cell::Doubles(bounds));
                    row.set("bucket_counts", Cell::UnsignedList(counts));
                }
            }
            Values::Exponential(totals, exponential) => {
                totals.set(row);
                exponential.set(row);
            }
            Values::Summary(totals, Quantiles { quantiles, values }) => {
                totals.set(row);
                if !quantiles.is_empty() {
                    row.set("quantiles", Cell::Doubles(quantiles));
                    row.set("quantile_values", Cell::Doubles(values));
                }
            }
        }
    }
}

impl Values {
    fn none_of(kind: Kind) -> Self {
        match kind {
            Kind::Gauge | Kind::Sum => Self::Number(None),
            Kind::Histogram => Self::Histogram(Totals::default(), Histogram::default()),
            Kind::Exponential => Self::Exponential(Totals::default(), Exponential::default()),
            // Its sum is one of 0 where it was left out.
            Kind::Summary => Self::Summary(
                Totals {
                    sum: Some(0.0),
                    ..Totals::default()
                },
                Quantiles::default(),
            ),
        }
    }

    fn merge_field(&mut self, tag: Tag, message: &mut Reader<'_>) -> Result<(), Malformed> {
        match (self, tag.field) {
            (Self::Number(value), 4) => *value = Some(Number::Double(message.double(tag)?)),
            (Self::Number(value), 6) => *value = Some(Number::read_int(tag, message)?),
            (
                Self::Histogram(totals, _)
                | Self::Exponential(totals, _)
                | Self::Summary(totals, _),
                4,
            ) => totals.count = message.fixed64(tag)?,
            (
                Self::Histogram(totals, _)
                | Self::Exponential(totals, _)
                | Self::Summary(totals, _),
                5,
            ) => totals.sum = Some(message.double(tag)?),
            (Self::Histogram(_, histogram), 6) => {
                message.fixed64_list(tag, &mut histogram.counts, |number| number)?;
            }
            (Self::Histogram(_, histogram), 7) => {
                message.fixed64_list(tag, &mut histogram.bounds, f64::from_bits)?;
            }
            (Self::Histogram(totals, _), 11) | (Self::Exponential(totals, _), 12) => {
                totals.min = Some(message.double(tag)?);
            }
            (Self::Histogram(totals, _), 12) | (Self::Exponential(totals, _), 13) => {
                totals.max = Some(message.double(tag)?);
            }
            (Self::Exponential(_, exponential), _) => exponential.merge_field(tag, message)?,
            (Self::Summary(_, quantiles), 6) => quantiles.add(message.message(tag)?)?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }
}

impl Number {
    fn read_int(tag: Tag, message: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self::Int(message.fixed64(tag)?.cast_signed()))
    }
}

impl Totals {
    fn set(&self, row: &mut TableBuilder) {
        row.set("count", Cell::Unsigned(self.count));
        for (column, number) in [("sum", self.sum), ("min", self.min), ("max", self.max)] {
            if let Some(number) = number {
                row.set(column, Cell::Double(number));
            }
        }
    }
}

impl Exponential {
    fn merge_field(&mut self, tag: Tag, message: &mut Reader<'_>) -> Result<(), Malformed> {
        match tag.field {
            6 => self.scale = message.sint32(tag)?,
            7 => self.zero_count = message.fixed64(tag)?,
            8 => Buckets::merge(&mut self.positive, message.message(tag)?)?,
            9 => Buckets::merge(&mut self.negative, message.message(tag)?)?,
            14 => self.zero_threshold = message.double(tag)?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }

    fn set(&self, row: &mut TableBuilder) {
        row.set("scale", Cell::Int32(self.scale));
        row.set("zero_count", Cell::Unsigned(self.zero_count));
        row.set("zero_threshold", Cell::Double(self.zero_threshold));
        for (offset, counts, buckets) in [
            ("positive_offset", "positive_counts", &self.positive),
            ("negative_offset", "negative_counts", &self.negative),
        ] {
            if let Some(buckets) = buckets {
                row.set(offset, Cell::Int32(buckets.offset));
                row.set(counts, Cell::UnsignedList(&buckets.counts));
            }
        }
    }
}

impl Buckets {
    fn merge(buckets: &mut Option<Self>, mut message: Reader<'_>) -> Result<(), Malformed> {
        let buckets = buckets.get_or_insert_default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => buckets.offset = message.sint32(tag)?,
                2 => message.number_list(tag, &mut buckets.counts)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(())
    }
}

impl Quantiles {
    fn add(&mut self, mut message: Reader<'_>) -> Result<(), Malformed> {
        let (mut quantile, mut value) = (0.0, 0.0);
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => quantile = message.double(tag)?,
                2 => value = message.double(tag)?,
                _ => message.skip(tag)?,
            }
        }
        self.quantiles.push(quantile);
        self.values.push(value);
        Ok(())
    }
}

/// What a point that is fit to be stored needed conversion for.
pub(super) struct Checked {
    pub(super) time: i64,
    pub(super) start: Option<i64>,
    /// As JSON, one each.
    pub(super) exemplars: Vec<String>,
}

impl<'a> Exemplar<'a> {
    fn read(mut message: Reader<'a>) -> Result<Self, Malformed> {
        let mut exemplar = Self::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                2 => exemplar.time = message.fixed64(tag)?,
                3 => exemplar.value = Some(Number::Double(message.double(tag)?)),
                4 => exemplar.span_id = message.bytes(tag)?,
                5 => exemplar.trace_id = message.bytes(tag)?,
                6 => exemplar.value = Some(Number::read_int(tag, &mut message)?),
                7 => exemplar.attributes.add(message.message(tag)?)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(exemplar)
    }

    /// A JSON object of the members that differ from the default; the ids in hex, of any length.
    fn to_text(&self, notes: &mut Notes) -> String {
        let (trace_id, span_id) = (hex(self.trace_id), hex(self.span_id));
        let mut members = Vec::new();
        if self.time != 0 {
            members.push(("time", Value::Int(self.time.cast_signed())));
        }
        match self.value {
            Some(Number::Double(number)) => members.push(("value", Value::Double(number))),
            Some(Number::Int(number)) => members.push(("value", Value::Int(number))),
            None => {}
        }
        push_text(&mut members, "trace_id", &trace_id);
        push_text(&mut members, "span_id", &span_id);
        notes.shorten(self.attributes.extra);
        if !self.attributes.entries.is_empty() {
            let attributes = self.attributes.entries.clone();
            members.push(("attributes", Value::Map(attributes)));
        }
        Value::Map(members).to_json()
    }
}
