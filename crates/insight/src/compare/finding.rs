//! A difference as it is told: a sentence, its numbers, and the SQL that gives them again.

use serde_json::Value as Json;
use utoipa::ToSchema;

use super::candidate::Candidate;
use super::events::WEIGHT;
use super::field::Field;
use super::question::{BASELINE_MARK, Question, SELECTION_MARK, quoted};
use super::statistics::{BASELINE, Count, SELECTION};
use super::tally::Tally;
use super::value::{Test, Value};
use super::witness::{Measure, Standing};
use crate::{Error, Evidence, words};

/// Values that are shown of a field, beside the one that the sentence is about.
const OTHERS_MAX: usize = 4;
/// The ids of traces as bytes, by the name that queries have for them.
const TRACE_BYTES: &str = "$trace_id";
/// Of each trace: its weight and the part that is selected, of what has the value and of all.
const PART_OF_EACH: &str = "avg(\"weight\") FILTER (WHERE \"has\") AS \"of_has\", \
    coalesce(sum(\"weight\") FILTER (WHERE \"has\" AND \"selected\"), 0) \
    / sum(\"weight\") FILTER (WHERE \"has\") AS \"part\", avg(\"weight\") AS \"of_all\", \
    coalesce(sum(\"weight\") FILTER (WHERE \"selected\"), 0) / sum(\"weight\") AS \"part_of_all\"";
const PART_MEANS: &str = "count(\"of_has\") AS \"traces\", \
    sum(\"of_has\") * sum(\"of_has\") / sum(\"of_has\" * \"of_has\") AS \"effective\", \
    sum(\"of_has\" * \"part\") / sum(\"of_has\") AS \"selected\", \
    sum(\"of_all\" * \"part_of_all\") / sum(\"of_all\") AS \"expected\"";
/// Of each trace: its events that have the value, those of them that are selected, and the same of all.
const HIT_OF_EACH: &str = "count(*) FILTER (WHERE \"has\") AS \"having\", \
    count(*) FILTER (WHERE \"has\" AND \"selected\") AS \"hits\", \
    count(*) FILTER (WHERE \"selected\") AS \"all_selected\", count(*) AS \"all\"";
const HIT_MEANS: &str = "count(*) FILTER (WHERE \"having\" > 0) AS \"traces\", \
    count(*) FILTER (WHERE \"having\" > 0) AS \"effective\", \
    avg(CASE WHEN \"hits\" > 0 THEN 1.0 ELSE 0.0 END) FILTER (WHERE \"having\" > 0) AS \"selected\", \
    avg(least(1.0, \"having\" * (SELECT CAST(sum(\"all_selected\") AS DOUBLE) / sum(\"all\") FROM traces))) \
    FILTER (WHERE \"having\" > 0) AS \"expected\"";
/// No logarithm of a p-value is below: JSON has no smaller numbers.
const LOG_MIN: f64 = -690.0;

/// A field that the two sides differ in.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
pub struct Finding {
    pub field: String,
    /// A sentence.
    pub statement: String,
    /// From 0 to 1: how well the first of `values` tells the two sides apart, if they were of the same size.
    pub effect: f64,
    /// A bound on how likely chance would find as much, among all fields and values that were tested.
    pub p_value: f64,
    /// The value that the sentence is about, and some others.
    pub values: Vec<ValueShares>,
    /// Fields that say the same: nearly the same events have a value of theirs.
    pub same_as: Vec<String>,
    pub traces: TraceEvidence,
    /// Gives `selection` and `baseline` of the first of `values`.
    pub query: Evidence,
}

/// How many events of each side have a value.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
pub struct ValueShares {
    /// `is`, `at_least`, `below`, `present` or `absent`.
    pub test: &'static str,
    /// Null for `present` and `absent`.
    pub value: Json,
    /// The same as a condition: for `where`.
    pub condition: String,
    /// Of the selection's events, by weight, from 0 to 1.
    pub selection: f64,
    /// Of the baseline's.
    pub baseline: f64,
    /// Gives both.
    pub query: Evidence,
}

/// What `p_value` rests on: a number of each trace, so that a trace's events count once, and what its mean would be.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
pub struct TraceEvidence {
    /// `part`: of each trace, the part of the events that is in the selection. `hit`: 1 if one of them is.
    pub measure: &'static str,
    /// Whether it is about the events that do not have the value.
    pub of_others: bool,
    /// Traces with such events.
    pub traces: u64,
    /// As many traces as these count for: fewer where they stand for different numbers of traces.
    pub effective: f64,
    /// The mean over these traces.
    pub selected: f64,
    /// What it would be if the value had nothing to do with it: for `part`, the mean over all traces; for `hit`, at most
    /// the mean number of a trace's events times the part of all events that is in the selection.
    pub expected: f64,
    pub query: Evidence,
}

/// What a finding is told of.
pub(super) struct Telling<'a> {
    pub question: &'a Question<'a>,
    pub tally: &'a Tally,
}

impl Telling<'_> {
    pub fn finding(&self, candidate: &Candidate, standing: &Standing) -> Result<Finding, Error> {
        let field = &self.tally.fields[candidate.field];
        let (test, count) = (&candidate.test, &standing.count);
        let values = self.values(field, test, count)?;
        Ok(Finding {
            field: field.name.clone(),
            statement: self.statement(field, test, count),
            effect: count.effect(&self.tally.totals),
            p_value: p_value(candidate, standing),
            query: values[0].query.clone(),
            values,
            same_as: Vec::new(),
            traces: self.traces(field, test, standing)?,
        })
    }

    fn statement(&self, field: &Field, test: &Test, count: &Count) -> String {
        let [selection, baseline] = count.shares(&self.tally.totals);
        let (is, other) = (test.words(&field.name), self.question.other);
        let on = |share: f64| match share {
            0.0 => "none".to_owned(),
            1.0 => "all".to_owned(),
            share => words::share(share),
        };
        let (here, there) = (on(selection), on(baseline));
        if selection > baseline {
            format!("{is} on {here} of the selection, on {there} of the {other}")
        } else {
            let only = if selection > 0.0 { "only " } else { "" };
            format!("{is} on {only}{here} of the selection, but on {there} of the {other}")
        }
    }

    /// The value that it is about, then those that differ most.
    fn values(&self, field: &Field, test: &Test, count: &Count) -> Result<Vec<ValueShares>, Error> {
        let totals = &self.tally.totals;
        let absent = (Test::Absent, totals.without(&field.present));
        let mut others: Vec<(Test, Count)> = Vec::new();
        match test {
            Test::AtLeast(bound) => {
                let below = field.present.without(count);
                others.extend([(Test::Below(bound.clone()), below), absent]);
            }
            Test::Below(bound) => {
                let at_least = field.present.without(count);
                others.extend([(Test::AtLeast(bound.clone()), at_least), absent]);
            }
            Test::Is(_) | Test::Present | Test::Absent => {
                let values = field.values().into_iter();
                others = values
                    .filter(|(value, _)| !matches!(value, Value::Text(text) if text.len() > 4_096))
                    .map(|(value, count)| (Test::Is(value), count))
                    .collect();
                let opposite = match test {
                    Test::Absent => (Test::Present, field.present),
                    _ => absent,
                };
                others.push(opposite);
                let difference = |count: &Count| {
                    let [selection, baseline] = count.shares(totals);
                    (selection - baseline).abs()
                };
                others.sort_by(|(a, count_a), (b, count_b)| {
                    let (first, second) = (difference(count_a), difference(count_b));
                    let names = || a.sql("").cmp(&b.sql(""));
                    second.total_cmp(&first).then_with(names)
                });
            }
        }
        others.retain(|(other, count)| other != test && count.all_rows() > 0);
        others.truncate(OTHERS_MAX);
        let first = std::iter::once((test.clone(), *count));
        let shares = first.chain(others);
        shares
            .map(|(test, count)| self.shares(field, &test, &count))
            .collect()
    }

    fn shares(&self, field: &Field, test: &Test, count: &Count) -> Result<ValueShares, Error> {
        let [selection, baseline] = count.shares(&self.tally.totals);
        let condition = test.sql(&quoted(&format!("field:{}", field.name)));
        let compared = self.question.sql(&[&field.name, WEIGHT])?;
        let weight = quoted(&format!("field:{WEIGHT}"));
        let share = |mark: &str| {
            let marked = quoted(&format!("mark:{mark}"));
            format!(
                "coalesce(sum({weight}) FILTER (WHERE {marked} AND {condition}), 0) \
                 / sum({weight}) FILTER (WHERE {marked}) AS \"{}\"",
                name_of(mark)
            )
        };
        Ok(ValueShares {
            test: test.operator(),
            value: test.json(),
            condition: test.sql(&quoted(&field.name)),
            selection,
            baseline,
            query: Evidence(format!(
                "WITH compared AS ({compared}) SELECT {}, {} FROM compared",
                share(SELECTION_MARK),
                share(BASELINE_MARK)
            )),
        })
    }

    fn traces(
        &self,
        field: &Field,
        test: &Test,
        standing: &Standing,
    ) -> Result<TraceEvidence, Error> {
        let told = &standing.told;
        let condition = test.sql(&quoted(&format!("field:{}", field.name)));
        let condition = if told.is_of_others {
            format!("NOT coalesce({condition}, FALSE)")
        } else {
            condition
        };
        let compared = self.question.sql(&[&field.name, WEIGHT, TRACE_BYTES])?;
        // An event without a trace is one of its own.
        let (alone, and_alone) = if self.tally.traces.alone.sums.traces > 0 {
            let number = "CASE WHEN \"field:$trace_id\" IS NULL THEN row_number() OVER () END AS \"alone\", ";
            (number, ", \"alone\"")
        } else {
            ("", "")
        };
        let (of_each, means) = match told.measure {
            Measure::Part => (PART_OF_EACH, PART_MEANS),
            Measure::Hit => (HIT_OF_EACH, HIT_MEANS),
        };
        let query = format!(
            "WITH compared AS ({compared}), sides AS (SELECT \"field:$trace_id\" AS \"trace\", {alone}\
             \"field:sample_weight\" AS \"weight\", \"mark:$selection\" AS \"selected\", {condition} AS \"has\" \
             FROM compared WHERE \"mark:$selection\" OR \"mark:$baseline\"), \
             traces AS (SELECT {of_each} FROM sides GROUP BY \"trace\"{and_alone}) SELECT {means} FROM traces"
        );
        Ok(TraceEvidence {
            measure: match told.measure {
                Measure::Part => "part",
                Measure::Hit => "hit",
            },
            of_others: told.is_of_others,
            traces: told.traces,
            effective: told.effective,
            selected: told.selected,
            expected: told.expected,
            query: Evidence(query),
        })
    }

    /// The SQL of how many events and traces each side has.
    pub fn query_of_sides(&self) -> Result<Evidence, Error> {
        let compared = self.question.sql(&[WEIGHT, TRACE_BYTES])?;
        let side = |mark: &str| {
            let name = name_of(mark);
            let marked = quoted(&format!("mark:{mark}"));
            format!(
                "sum(\"field:sample_weight\") FILTER (WHERE {marked}) AS \"{name}_events\", \
                 count(*) FILTER (WHERE {marked}) AS \"{name}_rows\", \
                 count(DISTINCT \"field:$trace_id\") FILTER (WHERE {marked}) \
                 + count(*) FILTER (WHERE {marked} AND \"field:$trace_id\" IS NULL) AS \"{name}_traces\""
            )
        };
        Ok(Evidence(format!(
            "WITH compared AS ({compared}) SELECT {}, {} FROM compared",
            side(SELECTION_MARK),
            side(BASELINE_MARK)
        )))
    }
}

/// The logarithm of the bound over all tests.
pub(super) fn log_p(candidate: &Candidate, standing: &Standing) -> f64 {
    (standing.told.log_bound + candidate.log_chances).min(0.0)
}

fn p_value(candidate: &Candidate, standing: &Standing) -> f64 {
    log_p(candidate, standing).max(LOG_MIN).exp()
}

/// Whether more of the selection than of the baseline have it.
pub(super) fn is_more(count: &Count, totals: &Count) -> bool {
    let shares = count.shares(totals);
    shares[SELECTION] > shares[BASELINE]
}

/// What answers call a mark.
fn name_of(mark: &str) -> &str {
    mark.trim_start_matches('$')
}
