//! The hours that are compared, and the figures of every flow and service in each: one question for all.

use std::collections::BTreeMap;

use crawlspace_model::UnixNanos;
use crawlspace_query::Asking;

use crate::{Error, Insight, sql};

pub(super) const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
/// The days before; the last two are those of the same day of the week.
pub(super) const DAYS: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 14];
/// The first of them that is the same day of the week.
pub(super) const WEEK: usize = 7;
/// The hour before, beside the days.
const BEFORE: usize = 0;
/// Flows that are looked at: those with the most requests.
const FLOWS_MAX: usize = 2_000;

/// A flow that has this share of its service's requests makes much of it.
const LARGE_SHARE: f64 = 0.1;

/// Spans that requests begin with, as somebody else sees them. What calls them may be in the trace or not.
const ENTRIES: &str = "(parent_span_id IS NULL OR kind IN ('server', 'consumer'))";

/// The figures of an hour, in SQL.
const FIGURES: &str = "coalesce(sum(sample_weight), 0.0) AS requests, \
    coalesce(sum(CASE WHEN status_code = 'error' THEN sample_weight END), 0.0) AS errors, \
    coalesce(sum(CASE WHEN status_code = 'error' THEN sample_weight END), 0.0) / sum(sample_weight) AS error_share, \
    percentile(duration_ns, 0.5, sample_weight) AS p50_ns, percentile(duration_ns, 0.99, sample_weight) AS p99_ns";

/// Which hours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    end: i64,
}

/// From when, and until before when.
pub(super) type Window = (UnixNanos, UnixNanos);

impl Windows {
    pub fn before(end: UnixNanos) -> Self {
        Self { end: end.0 }
    }

    pub fn now(self) -> Window {
        self.ago(0)
    }

    pub fn hour_before(self) -> Window {
        self.ago(HOUR)
    }

    pub fn same_hour(self, days: usize) -> Window {
        self.ago(i64::try_from(days).unwrap_or_default() * DAY)
    }

    fn ago(self, nanos: i64) -> Window {
        let end = self.end.saturating_sub(nanos);
        (UnixNanos(end.saturating_sub(HOUR)), UnixNanos(end))
    }
}

pub(super) fn during((start, end): Window) -> String {
    sql::during(Some(start), Some(end))
}

/// A flow, or a service with all its flows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub service: Option<String>,
    pub flow: Option<String>,
}

impl Who {
    /// Which spans are its requests, in SQL.
    pub fn condition(&self) -> String {
        let service = sql::is("service.name", self.service.as_deref());
        let flow = self
            .flow
            .as_deref()
            .map(|flow| format!(" AND {}", sql::is("name", Some(flow))));
        format!("{ENTRIES} AND {service}{}", flow.unwrap_or_default())
    }

    /// Its figures in a window, as SQL.
    pub fn figures(&self, window: Window) -> String {
        format!(
            "SELECT {FIGURES} FROM spans WHERE {} AND {}",
            self.condition(),
            during(window)
        )
    }

    /// The middle one of each figure in several windows, as SQL.
    pub fn usual(&self, windows: &[Window]) -> String {
        let each: Vec<String> = windows.iter().map(|window| self.figures(*window)).collect();
        let middle = ["requests", "errors", "error_share", "p50_ns", "p99_ns"]
            .map(|name| format!("percentile({name}, 0.5) AS {name}"));
        format!(
            "SELECT {} FROM ({})",
            middle.join(", "),
            each.join(" UNION ALL ")
        )
    }
}

/// What came to pass in one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hour {
    pub requests: f64,
    /// How many a stored span stands for, by what they contribute to chance: 1 where nothing is sampled.
    pub weight: f64,
    pub errors: f64,
    pub error_share: Option<f64>,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// One flow or service over the hours.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub now: Hour,
    pub before: Hour,
    /// By how many days ago.
    pub days: BTreeMap<usize, Hour>,
}

impl History {
    /// The earliest known day that has it; 0 for none.
    pub fn oldest(&self) -> usize {
        self.days.keys().max().copied().unwrap_or_default()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Histories {
    pub all: BTreeMap<Who, History>,
    /// Days of which anything is known, by how many days ago.
    pub days: Vec<usize>,
    pub left_out: usize,
}

impl Histories {
    pub fn flows(&self) -> usize {
        self.all.keys().filter(|who| who.flow.is_some()).count()
    }

    pub fn services(&self) -> usize {
        self.all.len() - self.flows()
    }

    /// Whether anything is known of the hour before.
    pub fn has_hour_before(&self) -> bool {
        self.all
            .values()
            .any(|history| history.before.requests > 0.0)
    }

    /// The flows that make much of a service now.
    pub fn large_flows_of<'h>(
        &'h self,
        service: &'h Who,
        whole: &'h History,
    ) -> impl Iterator<Item = &'h History> {
        let of_it = self.all.iter().filter(|(who, history)| {
            let is_large = history.now.requests >= LARGE_SHARE * whole.now.requests;
            who.flow.is_some() && who.service == service.service && is_large
        });
        of_it.map(|(_, history)| history)
    }
}

impl Insight {
    pub(super) async fn histories(
        &self,
        windows: &Windows,
        asking: &Asking,
    ) -> Result<Histories, Error> {
        let rows = self.rows(&question(*windows), asking).await?;
        let mut histories = Histories::default();
        for row in rows.iter() {
            let number = |name: &str| row.number(name);
            let who = Who {
                service: row.text("$service"),
                flow: row.text("$name"),
            };
            let requests = number("requests").unwrap_or_default();
            let hour = Hour {
                requests,
                weight: number("squares")
                    .map_or(1.0, |squares| squares / requests.max(f64::MIN_POSITIVE)),
                errors: number("errors").unwrap_or_default(),
                error_share: number("error_share"),
                p50: number("p50_ns"),
                p99: number("p99_ns"),
            };
            let history = histories.all.entry(who).or_default();
            match row.number("$window").map(|window| window as i64) {
                Some(-1) => history.now = hour,
                Some(window) => match usize::try_from(window).unwrap_or_default() {
                    BEFORE => history.before = hour,
                    days => {
                        history.days.insert(days, hour);
                        if !histories.days.contains(&days) {
                            histories.days.push(days);
                        }
                    }
                },
                None => {}
            }
        }
        histories.days.sort_unstable();
        histories.keep_busiest();
        Ok(histories)
    }
}

impl Histories {
    fn keep_busiest(&mut self) {
        let flows = self.flows();
        if flows <= FLOWS_MAX {
            return;
        }
        let requests = |history: &History| {
            let days: f64 = history.days.values().map(|hour| hour.requests).sum();
            history.now.requests + days
        };
        let of_flows = self.all.iter().filter(|(who, _)| who.flow.is_some());
        let mut busy: Vec<f64> = of_flows.map(|(_, history)| requests(history)).collect();
        busy.sort_by(|a, b| b.total_cmp(a));
        let least = busy[FLOWS_MAX - 1];
        self.all
            .retain(|who, history| who.flow.is_none() || requests(history) >= least);
        self.left_out = flows - self.flows();
    }
}

/// The figures of all flows and services in all windows. The window of now is -1, the hour before 0, others are days.
fn question(windows: Windows) -> String {
    let mut all = vec![
        ("-1".to_owned(), windows.now()),
        (BEFORE.to_string(), windows.hour_before()),
    ];
    all.extend(DAYS.map(|days| (days.to_string(), windows.same_hour(days))));
    let case: Vec<String> = all
        .iter()
        .map(|(number, window)| format!("WHEN {} THEN {number}", during(*window)))
        .collect();
    let times: Vec<String> = all
        .iter()
        .map(|(_, window)| format!("({})", during(*window)))
        .collect();
    format!(
        "SELECT \"$service\", \"$name\", \"$window\", sum(sample_weight * sample_weight) AS squares, {FIGURES} FROM \
         (SELECT service.name AS \"$service\", name AS \"$name\", CASE {} END AS \"$window\", \
         sample_weight, status_code, duration_ns FROM spans WHERE {ENTRIES} AND ({})) \
         GROUP BY GROUPING SETS ((\"$service\", \"$name\", \"$window\"), (\"$service\", \"$window\"))",
        case.join(" "),
        times.join(" OR ")
    )
}
