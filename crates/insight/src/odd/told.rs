//! Findings in words, with the questions that give their numbers and the one that says what is different.

use serde_json::{Value, json};

use super::answer::{Change, OddFigures, OddFinding, OddMeasure, Reference};
use super::judge::{Found, Judged};
use super::windows::{Histories, Hour, Window, Windows};
use crate::Evidence;
use crate::words::{duration, number, share};

pub(super) fn finding(found: &Found, windows: &Windows) -> OddFinding {
    let now = windows.now();
    let earlier: Vec<Window> = match found.reference {
        Reference::HourBefore => vec![windows.hour_before()],
        Reference::SameHour => found
            .days
            .iter()
            .map(|days| windows.same_hour(*days))
            .collect(),
    };
    OddFinding {
        service_name: found.who.service.clone(),
        flow: found.who.flow.clone(),
        measure: found.measure,
        change: found.change,
        statement: sentence(found),
        reference: found.reference,
        hours: earlier.len(),
        p_value: found.p_value,
        now: figures(&found.now, found.who.figures(now)),
        usual: figures(&found.usual, found.who.usual(&earlier)),
        compare: compare(found, now, earlier[0]),
    }
}

fn figures(hour: &Hour, evidence: String) -> OddFigures {
    OddFigures {
        requests: hour.requests,
        errors: hour.errors,
        error_share: hour.error_share,
        p50_ns: hour.p50,
        p99_ns: hour.p99,
        evidence: Evidence(evidence),
    }
}

fn sentence(found: &Found) -> String {
    let service = found.who.service.as_deref().unwrap_or("an unnamed service");
    let who = match &found.who.flow {
        Some(flow) => format!("`{flow}` at {service}"),
        None => format!("{service} as a whole"),
    };
    let when = match found.reference {
        Reference::SameHour => "usually at this hour",
        Reference::HourBefore => "in the hour before",
    };
    let (now, usual) = (&found.now, &found.usual);
    let time = |time: Option<f64>| time.map_or_else(|| "nothing".to_owned(), duration);
    let told = match (found.measure, found.change) {
        (OddMeasure::Rate, Change::New) => {
            return format!(
                "{who} is new: {} requests in its first hour",
                number(now.requests)
            );
        }
        (OddMeasure::Rate, Change::Gone) => {
            format!(
                "has no requests any more, {} {when}",
                number(usual.requests)
            )
        }
        (OddMeasure::Rate, _) => {
            format!(
                "has {} requests an hour, {} {when}",
                number(now.requests),
                number(usual.requests)
            )
        }
        (OddMeasure::Errors, _) => {
            let of = |hour: &Hour| share(hour.error_share.unwrap_or_default());
            format!("fails in {} of requests, in {} {when}", of(now), of(usual))
        }
        (OddMeasure::Latency, _) => {
            format!(
                "takes {} in half of requests, {} {when}",
                time(now.p50),
                time(usual.p50)
            )
        }
        (OddMeasure::Tail, _) => {
            format!(
                "takes {} in the slowest 1% of requests, {} {when}",
                time(now.p99),
                time(usual.p99)
            )
        }
    };
    format!("{who} {told}")
}

/// The body of a comparison: of what failed or is slow with the rest of the hour, of the hour with an earlier one
/// otherwise. What is new or gone has but one side.
fn compare(found: &Found, now: Window, earlier: Window) -> Option<Value> {
    if matches!(found.change, Change::New | Change::Gone) {
        return None;
    }
    let who = found.who.condition();
    let range = |window: Window| {
        let range = crawlspace_query::Range::between(Some(window.0), Some(window.1));
        json!({"start": range.start, "end": range.end})
    };
    let within = |selection: String, baseline: String| {
        json!({
            "from": "spans",
            "range": range(now),
            "selection": {"where": format!("{who} AND {selection}")},
            "baseline": {"where": format!("{who} AND {baseline}")},
        })
    };
    Some(match found.measure {
        OddMeasure::Errors => within(
            "status_code = 'error'".to_owned(),
            "status_code <> 'error'".to_owned(),
        ),
        OddMeasure::Tail if found.change == Change::More => {
            let usual = found.usual.p99.unwrap_or_default();
            within(
                format!("duration_ns > {usual:?}"),
                format!("duration_ns <= {usual:?}"),
            )
        }
        _ => json!({
            "from": "spans",
            "selection": {"where": who, "range": range(now)},
            "baseline": {"where": who, "range": range(earlier)},
        }),
    })
}

pub(super) fn statement(histories: &Histories, judged: &Judged, findings: &[OddFinding]) -> String {
    if let Some(worst) = findings.first() {
        return match findings.len() - 1 {
            0 => worst.statement.clone(),
            1 => format!("{}; one more thing is odd", worst.statement),
            more => format!("{}; {more} more things are odd", worst.statement),
        };
    }
    if judged.tests == 0 {
        return "nothing to compare: there are too few requests in this hour and the earlier ones"
            .to_owned();
    }
    let with = match histories.days.len() {
        0 => "as in the hour before".to_owned(),
        1 => "as at the same hour of the day before".to_owned(),
        days => format!("as at the same hour of {days} earlier days"),
    };
    let (flows, services) = (histories.flows(), histories.services());
    format!("typical: {flows} flows of {services} services are {with}")
}
