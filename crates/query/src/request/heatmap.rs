//! Heatmaps: steps of time by bins of a field. The bins come from the data: even ones, or ones that grow by a factor
//! where the largest value is far larger than the smallest.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};

use super::asked::Asked;
use super::condition::quoted;
use super::steps::Steps;
use super::{QueryRequest, Question};
use crate::attribute;
use crate::error::Error;

const STEPS: i64 = 120;
const BINS: usize = 60;
const STEPS_MAX: usize = 2_000;
/// From this ratio of the largest to the least positive value on, bins grow.
const GROWING_RATIO: f64 = 100.0;

/// A field that bins are of.
struct Binned {
    name: String,
    is_integer: bool,
}

impl Binned {
    fn new(asked: &Asked<'_>, field: &str) -> Result<Self, Error> {
        let table = asked.scope.table;
        let is_own = asked.scope.relation(field).is_none();
        Ok(Self {
            name: asked.scope.field(field)?,
            is_integer: is_own && attribute::data_type_of(table, field) == DataType::Int64,
        })
    }

    fn value(&self) -> String {
        format!("TRY_CAST({} AS DOUBLE)", self.name)
    }

    /// The condition that it is a number: infinite ones have no bin.
    fn is_number(&self) -> String {
        if self.is_integer {
            return format!("{} IS NOT NULL", self.name);
        }
        let (value, greatest) = (self.value(), f64::MAX);
        format!("{value} IS NOT NULL AND NOT isnan({value}) AND abs({value}) <= {greatest:e}")
    }

    /// The least or greatest of them, or of those that fulfil a condition. Of integers, files know it.
    fn bound(&self, function: &str, condition: &str) -> String {
        let value = match self.is_integer {
            true => self.name.clone(),
            false => self.value(),
        };
        let filter = match condition {
            "" => String::new(),
            condition => format!(" FILTER (WHERE {value} {condition})"),
        };
        format!("CAST({function}({value}){filter} AS DOUBLE)")
    }
}

/// What the bins have to cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    least: f64,
    /// Above zero.
    least_positive: Option<f64>,
    greatest: f64,
    first: i64,
    last: i64,
}

impl Extent {
    /// The question for it.
    pub(crate) fn sql(asked: &Asked<'_>, field: &str) -> Result<String, Error> {
        let binned = Binned::new(asked, field)?;
        Ok(format!(
            "SELECT {}, {}, {}, \
             CAST(CAST(min(\"time\") AS BIGINT) AS DOUBLE), CAST(CAST(max(\"time\") AS BIGINT) AS DOUBLE) \
             FROM {}{} {} {}",
            binned.bound("min", ""),
            binned.bound("min", "> 0"),
            binned.bound("max", ""),
            asked.from(),
            asked.filter(),
            if asked.filter().is_empty() {
                "WHERE"
            } else {
                "AND"
            },
            binned.is_number(),
        ))
    }

    /// The answer to it; `None` where no event has a number in the field.
    pub(crate) fn of(answer: &[RecordBatch]) -> Option<Self> {
        let row = answer.first().filter(|row| row.num_rows() == 1)?;
        let value = |index: usize| {
            let column = row.column(index).as_primitive::<Float64Type>();
            column.is_valid(0).then(|| column.value(0))
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time, to within a microsecond"
        )]
        let time = |index| value(index).map(|time| time as i64);
        Some(Self {
            least: value(0)?,
            least_positive: value(1),
            greatest: value(2)?,
            first: time(3)?,
            last: time(4)?,
        })
    }

    /// The arguments that describe its bins: the least value, where the bins start, where they end, how many, whether
    /// they grow.
    fn bins(&self) -> String {
        let growing = self
            .least_positive
            .filter(|least| self.greatest / least >= GROWING_RATIO);
        let (least, start, end) = (self.least, growing.unwrap_or(self.least), self.greatest);
        format!(
            "{least:?}, {start:?}, {end:?}, {BINS}, {}",
            growing.is_some()
        )
    }
}

impl QueryRequest {
    /// A row for each step and bin that has events.
    pub(crate) fn heatmap(
        &self,
        asked: &Asked<'_>,
        field: &str,
        extent: Option<Extent>,
    ) -> Result<Question, Error> {
        let reach = extent.map_or(0, |extent| extent.last.saturating_sub(extent.first));
        let steps = match asked.steps() {
            Some(steps) => steps.clone(),
            None => Steps::about(STEPS, asked.length().unwrap_or(reach)),
        };
        let binned = Binned::new(asked, field)?;
        let is_number = binned.is_number();
        let bins = extent.map(|extent| extent.bins());
        let bin = |function: &str, value: &str| match &bins {
            Some(bins) => format!("{function}({value}, {bins})"),
            // Without values nothing is found.
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        let filter = asked.filter();
        let and = if filter.is_empty() { "WHERE" } else { "AND" };
        let calculated = quoted(&self.calculate[0]);
        // The start of a bin is in it, so its end is found from that.
        let sql = format!(
            "SELECT \"time\", \"bin_start\", {} AS \"bin_end\", {calculated} FROM (\
             SELECT {} AS \"time\", {} AS \"bin_start\", {} AS {calculated} \
             FROM {}{filter} {and} {is_number} GROUP BY 1, 2) ORDER BY 1, 2",
            bin("bin_end", "\"bin_start\""),
            steps.of_time(),
            bin("bin_start", &binned.value()),
            asked.count(),
            asked.from(),
        );
        Ok(Question::new(
            sql,
            Some(self.limit.unwrap_or(STEPS_MAX * (BINS + 1))),
        ))
    }
}
