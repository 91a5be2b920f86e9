//! What is different about some events: every field of every event, the selection's against the baseline's.
//!
//! A first reading counts all values on both sides (`tally`), a last one looks at which traces have the few values that
//! may be different (`candidate`, `witness`). [How it decides](../../../docs/guide/compare.md) is told to users.

mod by_text;
mod candidate;
mod coder;
mod events;
mod field;
mod finding;
mod question;
mod reading;
mod statistics;
mod tally;
mod traces;
mod value;
mod witness;

use std::time::Instant;

use crawlspace_model::UnixNanos;
use crawlspace_query::Footer;
use utoipa::ToSchema;

use crate::{Error, Evidence, Insight};
use candidate::{CANDIDATES_MAX, Candidate, Candidates};
use events::{TRACE, WEIGHT};
use field::Field;
pub use finding::{Finding, TraceEvidence, ValueShares};
use finding::{Telling, is_more, log_p};
use question::Question;
pub use question::{CompareRequest, Side};
use reading::Rows;
use statistics::{EFFECT_MIN, ONE, SIGNIFICANCE, TESTS_OF_A_VALUE, log_bound};
use tally::Tally;
use witness::{Standing, Witness};

#[cfg(test)]
mod tests;

/// Fields that are listed as not compared.
const FOLDED_MAX: usize = 100;
/// What tells events by trace.
const BY_TRACE: [&str; 2] = [TRACE, WEIGHT];
/// Of the events that have a field, so many have a value of their own where it tells events apart and nothing else.
const UNIQUE_MIN: f64 = 0.9;

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ComparisonVerdict)]
pub enum Verdict {
    Different,
    Nothing,
    /// There are too few traces.
    #[serde(rename = "cannot tell")]
    CannotTell,
}

/// The answer: what is different, the largest effect first.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
pub struct Comparison {
    pub verdict: Verdict,
    /// The verdict as a sentence.
    pub summary: String,
    pub fields: Vec<Finding>,
    /// Findings in all.
    pub fields_found: usize,
    /// Fields that were not compared value by value.
    pub folded: Vec<Folded>,
    pub footer: ComparisonFooter,
}

/// A field that was not compared value by value, and why.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
#[schema(as = ComparisonFolded)]
pub struct Folded {
    pub field: String,
    pub reason: String,
}

/// The evidence behind a comparison.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
pub struct ComparisonFooter {
    pub selection: SideCount,
    pub baseline: SideCount,
    /// Gives the numbers of both sides, as `selection_events` and so on.
    pub query: Evidence,
    pub fields_tested: u64,
    /// All values of all fields, and all cuts between numbers.
    pub values_tested: u64,
    /// How likely it is, at most, that a comparison of what does not differ finds something.
    pub significance: f64,
    /// Smaller effects are not told.
    pub effect_min: f64,
    /// Fields with so many values that rare ones may be missed.
    pub approximate: Vec<Approximate>,
    /// Fields beyond the limit of 2,000.
    pub fields_left_out: u64,
    /// Whether some of the events stand for several.
    pub sampled: bool,
    pub elapsed_ms: f64,
    pub rows_scanned: u64,
    pub rows_in_memory: u64,
    pub parts_scanned: u64,
    pub bytes_scanned: u64,
    pub position: u64,
    pub newest_age_ms: Option<f64>,
    pub damaged_parts: u64,
}

/// One side.
#[derive(Debug, Clone, Copy, serde::Serialize, ToSchema)]
#[schema(as = ComparisonSideCount)]
pub struct SideCount {
    /// By weight.
    pub events: f64,
    pub rows: u64,
    /// Traces with events on this side. An event without a trace is one of its own.
    pub traces: u64,
}

/// A field of very many values.
#[derive(Debug, Clone, serde::Serialize, ToSchema)]
#[schema(as = ComparisonApproximate)]
pub struct Approximate {
    pub field: String,
    /// Different values, within 5%.
    pub values: u64,
    /// A value that fewer events of the selection have may be missed. What is told of others is exact.
    pub missed_below: u64,
}

impl Insight {
    /// Compares the events of a selection with others. `now` is what `last` counts back from.
    ///
    /// # Errors
    /// The request is wrong, one of the sides has no event, there are too many traces, it takes too long, or data can't
    /// be read.
    pub async fn compare(
        &self,
        request: &CompareRequest,
        now: UnixNanos,
    ) -> Result<Comparison, Error> {
        let began = Instant::now();
        let question = Question::new(&self.engine, request, now)?;
        let mut tally = Tally::new(&question);
        let mut footers = read(&question, &mut tally, |_, _| true, &BY_TRACE, Tally::add).await?;
        check(&question, &tally)?;
        if tally.choose_buckets() {
            let is_chosen = |_: usize, field: &Field| candidate::is_approximate(field);
            let each = Tally::look_into;
            footers.extend(read(&question, &mut tally, is_chosen, &[WEIGHT], each).await?);
        }
        let mut candidates = Candidates::choose(&tally.fields, &tally.totals);
        candidates.list.truncate(CANDIDATES_MAX);
        let telling = Telling {
            question: &question,
            tally: &tally,
        };
        let mut findings = Vec::new();
        if !candidates.list.is_empty() {
            let is_candidate = |index: usize, _: &Field| {
                let mut of = candidates.list.iter().map(|candidate| candidate.field);
                of.any(|field| field == index)
            };
            let (columns, stored) = tally.columns(is_candidate, &BY_TRACE);
            let mut witness = Witness::new(&tally, &candidates.list);
            let each = |rows: &Rows<'_>| witness.add(rows);
            footers.extend(question.read(&columns, stored, each).await?);
            findings = found(&telling, &candidates.list, &mut witness)?;
        }
        telling.comparison(&candidates, findings, &footers, began)
    }
}

/// Reads the wanted fields of all events, and more, into the tally.
async fn read(
    question: &Question<'_>,
    tally: &mut Tally,
    is_wanted: impl Fn(usize, &Field) -> bool,
    more: &[&'static str],
    mut each: impl FnMut(&mut Tally, &Rows<'_>) -> Result<(), Error>,
) -> Result<Vec<Footer>, Error> {
    let (columns, stored) = tally.columns(is_wanted, more);
    let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    question
        .read(&columns, stored, |rows| each(tally, rows))
        .await
}

/// Both sides need events.
fn check(question: &Question<'_>, tally: &Tally) -> Result<(), Error> {
    let table = question.table.name();
    match tally.totals.rows {
        [0, _] => Err(Error::Request(format!(
            "no event of {table} is in the selection: widen its range, or see by `crawlspace fields` what values there are"
        ))),
        [_, 0] if question.other == "rest" => Err(Error::Request(format!(
            "all events of {table} in that range are in the selection: there is no rest to compare with; narrow the \
             selection, or give a `baseline` with a range of its own"
        ))),
        [_, 0] => Err(Error::Request(format!(
            "no event of {table} is in the baseline but not in the selection: widen the baseline's range or its `where`"
        ))),
        _ => Ok(()),
    }
}

/// The significant ones: of each field the best, those that say the same together.
fn found(
    telling: &Telling<'_>,
    candidates: &[Candidate],
    witness: &mut Witness<'_>,
) -> Result<Vec<Finding>, Error> {
    let totals = &telling.tally.totals;
    // Those that are sure, with their effects.
    let mut sure: Vec<(usize, Standing, f64)> = Vec::new();
    for (bit, standing) in witness.standings(telling.tally).into_iter().enumerate() {
        let Some(standing) = standing else { continue };
        let effect = standing.count.effect(totals);
        let log_p = log_p(&candidates[bit], &standing);
        if log_p <= SIGNIFICANCE.ln() && effect >= EFFECT_MIN {
            sure.push((bit, standing, effect));
        }
    }
    let name = |bit: usize| &telling.tally.fields[candidates[bit].field].name;
    sure.sort_by(|(a, _, effect_a), (b, _, effect_b)| {
        let ranks = || candidates[*a].test.rank().cmp(&candidates[*b].test.rank());
        let names = || name(*a).cmp(name(*b));
        let effects = effect_b.total_cmp(effect_a);
        effects.then_with(ranks).then_with(names)
    });
    let mut told: Vec<(usize, Finding)> = Vec::new();
    let mut fields: Vec<usize> = Vec::new();
    for (bit, standing, _) in sure {
        let candidate = &candidates[bit];
        if fields.contains(&candidate.field) {
            continue;
        }
        fields.push(candidate.field);
        let same = told.iter_mut().find(|(first, finding)| {
            let is_more_of_first = finding.values[0].selection > finding.values[0].baseline;
            is_more_of_first == is_more(&standing.count, totals) && witness.is_same(*first, bit)
        });
        match same {
            Some((_, finding)) => finding.same_as.push(name(bit).clone()),
            None => told.push((bit, telling.finding(candidate, &standing)?)),
        }
    }
    Ok(told.into_iter().map(|(_, finding)| finding).collect())
}

impl Telling<'_> {
    fn comparison(
        &self,
        candidates: &Candidates,
        mut fields: Vec<Finding>,
        footers: &[Footer],
        began: Instant,
    ) -> Result<Comparison, Error> {
        let footer = self.footer(candidates, footers, began)?;
        let (verdict, summary) = match fields.first() {
            Some(first) => (Verdict::Different, first.statement.clone()),
            None => self.without_findings(&footer),
        };
        let folded = self.folded(&fields);
        let fields_found = fields.len();
        fields.truncate(self.question.limit);
        Ok(Comparison {
            verdict,
            summary,
            fields,
            fields_found,
            folded,
            footer,
        })
    }

    /// Whether nothing differs, or there is too little to say so: a field with two values that half of the smaller
    /// side's traces differ in would have to be found.
    fn without_findings(&self, footer: &ComparisonFooter) -> (Verdict, String) {
        let selected = self.tally.traces.sums().mean();
        let chances = TESTS_OF_A_VALUE * 2.0 * footer.fields_tested.max(1) as f64;
        let is_seen = |traces: u64, all: f64, expected: f64| {
            let half = (traces / 2) as f64;
            log_bound(half, all, expected) + chances.ln() <= SIGNIFICANCE.ln()
        };
        let (selection, baseline) = (footer.selection.traces, footer.baseline.traces);
        let other = self.question.other;
        if is_seen(selection, 1.0, selected) || is_seen(baseline, 0.0, selected) {
            let (fields, values) = (footer.fields_tested, footer.values_tested);
            let summary = format!(
                "nothing tells the selection from the {other}: {fields} fields with {values} values were tested"
            );
            return (Verdict::Nothing, summary);
        }
        let (few, side) = if selection <= baseline {
            (selection, "selection")
        } else {
            (baseline, other)
        };
        let traces = if few == 1 { "trace is" } else { "traces are" };
        let summary = format!(
            "{few} {traces} too few: even a field that half of the {side} differs in could be chance; \
             widen the range or the {side}"
        );
        (Verdict::CannotTell, summary)
    }

    fn folded(&self, findings: &[Finding]) -> Vec<Folded> {
        let is_found = |name: &str| {
            let mut names = findings.iter();
            names.any(|finding| finding.field == name || finding.same_as.iter().any(|n| n == name))
        };
        let unique = self.tally.fields.iter().filter_map(|field| {
            let (rows, distinct) = (field.present.all_rows(), field.distinct());
            let is_text = matches!(field.kind, Some(value::Kind::Text));
            let is_unique = is_text
                && !field.is_presence_only
                && rows > 1
                && distinct as f64 >= UNIQUE_MIN * rows as f64;
            (is_unique && !is_found(&field.name)).then(|| Folded {
                field: field.name.clone(),
                reason: format!(
                    "nearly every event has another value: about {distinct} on {rows} events"
                ),
            })
        });
        let known = self.tally.folded.iter().map(|(field, reason)| Folded {
            field: field.clone(),
            reason: (*reason).to_owned(),
        });
        known.chain(unique).take(FOLDED_MAX).collect()
    }

    fn footer(
        &self,
        candidates: &Candidates,
        footers: &[Footer],
        began: Instant,
    ) -> Result<ComparisonFooter, Error> {
        let tally = self.tally;
        let traces = tally.traces.on_sides();
        let side = |side: usize| SideCount {
            events: tally.totals.weight[side] as f64 / ONE as f64,
            rows: tally.totals.rows[side],
            traces: traces[side],
        };
        let selected = tally.totals.rows[0] as f64 / tally.totals.all_rows().max(1) as f64;
        let approximate = tally.fields.iter().filter_map(|field| {
            let field::Values::Buckets(buckets) = &field.values else {
                return None;
            };
            Some(Approximate {
                field: field.name.clone(),
                values: field.distinct(),
                missed_below: buckets.missed_below(selected),
            })
        });
        let sum = |of: fn(&Footer) -> u64| footers.iter().map(of).sum();
        let last = footers.last();
        Ok(ComparisonFooter {
            selection: side(0),
            baseline: side(1),
            query: self.query_of_sides()?,
            fields_tested: candidates.fields_tested,
            values_tested: candidates.values_tested,
            significance: SIGNIFICANCE,
            effect_min: EFFECT_MIN,
            approximate: approximate.collect(),
            fields_left_out: tally.fields_left_out,
            sampled: tally.is_weighted,
            elapsed_ms: began.elapsed().as_secs_f64() * 1e3,
            rows_scanned: sum(|footer| footer.rows_scanned),
            rows_in_memory: sum(|footer| footer.rows_in_memory),
            parts_scanned: sum(|footer| footer.parts_scanned),
            bytes_scanned: sum(|footer| footer.bytes_scanned),
            position: last.map_or(0, |footer| footer.position),
            newest_age_ms: last.and_then(|footer| footer.newest_age_ms),
            damaged_parts: last.map_or(0, |footer| footer.damaged_parts),
        })
    }
}
