//! The query API: a question in JSON, and the SQL it becomes.

pub(crate) mod asked;
mod calculation;
pub(crate) mod condition;
mod gaps;
pub(crate) mod heatmap;
mod range;
pub(crate) mod relation;
mod steps;

use crate::error::Error;
use asked::Asked;
pub(crate) use calculation::count;
pub(crate) use condition::{condition_of, known_field};
pub(crate) use gaps::Gaps;
pub(crate) use range::Bounds;
pub use range::{REACH_NANOS, Range, parse_duration, parse_time, time_conditions};
use steps::Steps;

const GROUPS_DEFAULT: usize = 1_000;
/// Steps of time, where there are no groups beside them.
const STEPS_DEFAULT: usize = 10_000;
/// Groups that have a series each.
const SERIES_DEFAULT: usize = 100;
const EVENTS_DEFAULT: usize = 100;

/// A question: filter, group, calculate. Without `group_by` and `calculate` it asks for the newest events themselves.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// `spans`, `logs`, `metrics` or `changes`.
    pub from: String,
    #[serde(default)]
    pub range: Option<Range>,
    /// An SQL condition with dotted names.
    #[serde(default, rename = "where")]
    pub condition: Option<String>,
    #[serde(default)]
    pub group_by: Vec<String>,
    /// `count`, `count(x)`, `count_distinct(x)`, `rate`, `rate(x)`, `increase(x)`, `sum(x)`, `avg(x)`, `min(x)`,
    /// `max(x)`, `stddev(x)`, `first(x)`, `last(x)`, `p99(x)`, `heatmap(x)`.
    #[serde(default)]
    pub calculate: Vec<String>,
    /// An SQL condition over groups and calculations.
    #[serde(default)]
    pub having: Option<String>,
    /// Groups or calculations; with a minus in front, the largest first.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// Groups or events to give. With both groups and steps of time: the groups that have a series, the largest over
    /// the whole range first.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Also groups by time, in steps like `1m`.
    #[serde(default)]
    pub granularity: Option<String>,
    /// How far the clocks are ahead of UTC where steps of days start at midnight, like `+02:00`.
    #[serde(default)]
    pub utc_offset: Option<String>,
    /// What calculations have in steps without events. Absent: there are no rows for these.
    #[serde(default)]
    pub fill: Option<Fill>,
    /// Whether the groups without a series of their own have one together.
    #[serde(default)]
    pub other: bool,
    /// How long the answer may take, like `10s`; at most ten minutes. Absent: 30 seconds.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// What stands in an empty step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    Null,
    Zero,
}

/// A question as SQL.
#[derive(Debug)]
pub(crate) struct Question {
    pub sql: String,
    /// Rows to give; as many as an answer may have without.
    pub limit: Option<usize>,
    /// Whether the SQL itself stops before all rows are found.
    pub is_open_ended: bool,
    /// So many columns at the end are for the footer.
    pub hidden: usize,
    pub gaps: Option<Gaps>,
}

impl Question {
    fn new(sql: String, limit: Option<usize>) -> Self {
        Self {
            sql,
            limit,
            is_open_ended: false,
            hidden: 0,
            gaps: None,
        }
    }
}

impl QueryRequest {
    /// The SQL of a question that is no heatmap.
    pub(crate) fn question(&self, asked: &Asked<'_>) -> Result<Question, Error> {
        if self.is_about_events() {
            return asked.events();
        }
        match asked.steps() {
            Some(steps) if !self.group_by.is_empty() => asked.series(steps),
            _ if self.other => Err(Error::Request(
                "`other` is about series: give both `group_by` and `granularity`".to_owned(),
            )),
            _ => asked.groups(),
        }
    }

    /// Whether events themselves are asked for, neither grouped nor calculated.
    pub(crate) fn is_about_events(&self) -> bool {
        self.group_by.is_empty() && self.calculate.is_empty() && self.granularity.is_none()
    }

    fn steps(&self) -> Result<Option<Steps>, Error> {
        let offset = self.utc_offset.as_deref();
        let steps = self.granularity.as_ref();
        steps.map(|step| Steps::parse(step, offset)).transpose()
    }
}
