//! The questions behind the counts of completeness.

use super::{LATE_NANOS, SKEW_NANOS_MIN};
use crate::spans::period::Period;

pub(super) fn sampled(period: &Period) -> String {
    format!(
        "SELECT count(*) AS \"spans\", coalesce(sum(sample_weight), 0.0) AS \"events\", \
         coalesce(max(sample_weight), 0.0) AS \"weight_max\" FROM spans WHERE {}",
        period.own()
    )
}

pub(super) fn late(period: &Period) -> String {
    let waited =
        "CAST(received_at AS BIGINT) - CAST(\"time\" AS BIGINT) - coalesce(duration_ns, 0)";
    format!(
        "SELECT coalesce(sum(CASE WHEN {waited} > {LATE_NANOS} THEN 1 ELSE 0 END), 0) AS \"count\", \
         count(*) AS \"of\" FROM spans WHERE {}",
        period.own()
    )
}

pub(super) fn orphans(period: &Period) -> String {
    format!(
        "SELECT count(*) - count(\"parent.$span\") AS \"count\", count(*) AS \"of\" FROM spans{} \
         WHERE {} AND parent_span_id IS NOT NULL",
        parents(period),
        period.own()
    )
}

pub(super) fn skewed(period: &Period) -> String {
    format!(
        "SELECT coalesce(sum(CASE WHEN \"parent.$time\" - CAST(\"time\" AS BIGINT) > {SKEW_NANOS_MIN} \
         THEN 1 ELSE 0 END), 0) AS \"count\", count(*) AS \"of\" FROM spans{} \
         WHERE {} AND \"parent.$span\" IS NOT NULL",
        parents(period),
        period.own()
    )
}

/// Each span with its parent, if that is there.
fn parents(period: &Period) -> String {
    format!(
        " LEFT JOIN (SELECT \"$trace_id\" AS \"parent.$trace\", \"$span_id\" AS \"parent.$span\", \
         CAST(min(\"time\") AS BIGINT) AS \"parent.$time\" FROM spans WHERE {} \
         GROUP BY \"$trace_id\", \"$span_id\") \
         ON \"$trace_id\" = \"parent.$trace\" AND \"$parent_span_id\" = \"parent.$span\"",
        period.window()
    )
}

pub(super) fn missing_roots(period: &Period) -> String {
    format!(
        "SELECT count(*) - count(\"root.$trace\") AS \"count\", count(*) AS \"of\" \
         FROM (SELECT DISTINCT \"$trace_id\" AS \"own.$trace\" FROM spans WHERE {}) \
         LEFT JOIN (SELECT DISTINCT \"$trace_id\" AS \"root.$trace\" FROM spans \
         WHERE {} AND parent_span_id IS NULL) ON \"own.$trace\" = \"root.$trace\"",
        period.own(),
        period.window()
    )
}

/// Goes up from each span, so many hops, and sees whether it is back.
pub(super) fn cycles(period: &Period, hops: usize) -> String {
    let (own, window) = (period.own(), period.window());
    let first = |name: &str| {
        format!(
            "SELECT \"$trace_id\" AS \"{name}.trace\", \"$span_id\" AS \"{name}.span\", \
             first_value(\"$parent_span_id\" ORDER BY \"time\", received_at) AS \"{name}.parent\", \
             min(\"time\") AS \"{name}.time\" FROM spans WHERE {window} GROUP BY \"$trace_id\", \"$span_id\""
        )
    };
    let mut joins = String::new();
    let mut is_back = "\"0.parent\" = \"0.span\"".to_owned();
    for hop in 1..hops {
        let before = hop - 1;
        joins += &format!(
            " LEFT JOIN ({}) ON \"0.trace\" = \"{hop}.trace\" AND \"{before}.parent\" = \"{hop}.span\"",
            first(&hop.to_string())
        );
        is_back += &format!(" OR \"{hop}.parent\" = \"0.span\"");
    }
    format!(
        "SELECT count(CASE WHEN {is_back} THEN 1 END) AS \"count\", \
         (SELECT count(*) FROM spans WHERE {own}) AS \"of\" FROM ({}){joins} WHERE {}",
        first("0"),
        own.replace("\"time\"", "\"0.time\""),
    )
}
