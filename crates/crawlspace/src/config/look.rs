//! Flags of the commands that look around: `tail`, `fields`, `compare`; and of all that ask about a range of time.

use chrono::DateTime;
use clap::Args;
use crawlspace_model::{Clock as _, SystemClock};
use serde_json::Value;

use super::{ServerArguments, nanoseconds};
use crate::failure::Failure;

/// The times that a question is about.
#[derive(Debug, Args)]
pub struct RangeArguments {
    /// The time before now to look at, for example 15m, 1h, 7d
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["start", "end"])]
    pub last: Option<String>,
    /// The first moment to look at: RFC 3339, or a number since 1970 (seconds to nanoseconds)
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// The first moment not to look at any more
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
}

/// A moment, or none, in nanoseconds since 1970.
type Moment = Option<i64>;

impl RangeArguments {
    /// As the query API takes it; null for all times.
    pub fn json(&self) -> Value {
        let Self { last, start, end } = self;
        match last.is_some() || start.is_some() || end.is_some() {
            true => serde_json::json!({"last": last, "start": start, "end": end}),
            false => Value::Null,
        }
    }

    /// From when, and until before when.
    pub fn bounds(&self) -> Result<(Moment, Moment), Failure> {
        if let Some(last) = &self.last {
            let length = nanoseconds(last).map_err(Failure::Usage)?;
            return Ok((Some(SystemClock.now().0.saturating_sub(length)), None));
        }
        let moment = |text: &Option<String>| text.as_deref().map(moment).transpose();
        Ok((moment(&self.start)?, moment(&self.end)?))
    }
}

fn moment(text: &str) -> Result<i64, Failure> {
    if let Ok(number) = text.parse::<i64>() {
        // 10 digits are seconds until the year 2286; each finer unit has three more.
        let scale = match number.unsigned_abs() {
            0..=99_999_999_999 => 1_000_000_000,
            100_000_000_000..=99_999_999_999_999 => 1_000_000,
            100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
            _ => 1,
        };
        return Ok(number.saturating_mul(scale));
    }
    let time = DateTime::parse_from_rfc3339(text).ok();
    time.and_then(|time| time.timestamp_nanos_opt())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "`{text}` is no time: write it like 2026-11-22T10:00:00Z, or as a number since 1970"
            ))
        })
}

/// Show new events as they come, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = TAIL_EXAMPLES)]
pub struct TailArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The table: spans, logs, metrics or changes
    #[arg(long, value_name = "TABLE", default_value = "spans")]
    pub from: String,
    /// An SQL condition on events
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Show these fields of each event, separated by commas or repeated
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub fields: Vec<String>,
    /// End after so many events
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

const TAIL_EXAMPLES: &str = "\
Events are shown from now on. If more come than can be shown, stderr says how many were left out.

Examples:
  crawlspace tail
  crawlspace tail --from logs --where 'severity_number >= 17'
  crawlspace tail --where \"tenant.id = 'acme'\" --fields service.name,http.route,duration_ns
  crawlspace tail --json | jq .name";

/// List the fields of a table, or the values of one
#[derive(Debug, Args)]
#[command(after_help = FIELDS_EXAMPLES)]
pub struct FieldsArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The field whose values to show; without, all fields are listed
    pub name: Option<String>,
    /// The table: spans, logs, metrics or changes
    #[arg(long, value_name = "TABLE", default_value = "spans")]
    pub from: String,
    #[command(flatten)]
    pub range: RangeArguments,
    /// List only fields whose name has this in it
    #[arg(long, value_name = "TEXT", conflicts_with = "name")]
    pub containing: Option<String>,
    /// The most values to show; without, 20
    #[arg(long, value_name = "VALUES", requires = "name")]
    pub limit: Option<u64>,
}

const FIELDS_EXAMPLES: &str = "\
Examples:
  crawlspace fields
  crawlspace fields --from logs --containing http --last 1h
  crawlspace fields service.name
  crawlspace fields http.route --last 1h --limit 50";

/// Tell what is different about some events
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The selection, as an SQL condition on events; without, all of the range: then say what to compare it with
    #[arg(value_name = "CONDITION", required_unless_present_any = ["baseline", "before"])]
    pub selection: Option<String>,
    /// The table: spans or logs
    #[arg(long, value_name = "TABLE", default_value = "spans")]
    pub from: String,
    #[command(flatten)]
    pub range: RangeArguments,
    /// What to compare with, as an SQL condition; without, the rest of the range
    #[arg(long, value_name = "CONDITION")]
    pub baseline: Option<String>,
    /// Compare with the time just before, as long as the range is
    #[arg(long)]
    pub before: bool,
    /// The most findings to show; without, 20
    #[arg(long, value_name = "FINDINGS")]
    pub limit: Option<u64>,
}

const COMPARE_EXAMPLES: &str = "\
Every field of every event is compared. What differs is told with the largest effect first; or that nothing does.

Examples:
  crawlspace compare \"status_code = 'error'\" --last 1h
  crawlspace compare \"name = 'GET /cart' AND duration_ns > 500000000\" --baseline \"name = 'GET /cart'\" --last 1h
  crawlspace compare \"service.name = 'shop'\" --last 15m --before
  crawlspace compare --from logs 'severity_number >= 17' --last 1h --json";
