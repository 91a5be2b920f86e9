//! The last reading: which traces have what may be different, and which candidates are had by the same events.

use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::candidate::{CANDIDATES_MAX, Candidate};
use super::coder::{Coder, Column};
use super::events::Events;
use super::field::Field;
use super::statistics::{BASELINE, Cell, Count, Hits, SELECTION, Sums, log_bound};
use super::tally::Tally;
use super::traces::{Alone, ByNumber, Traces};
use super::value::{Kind, Raw, Value};
use crate::Error;

/// Sets of candidates that are kept apart before their pairs are counted.
const SETS_MAX: usize = 1 << 16;
/// Two candidates say the same if so many of the events that have one have both, on each side.
const SAME_MIN: f64 = 0.9;
/// Fewer events of a side say nothing on that.
const SAME_ROWS_MIN: u64 = 3;

pub(super) struct Witness<'a> {
    candidates: &'a [Candidate],
    traces: &'a Traces,
    /// For each field of a candidate, the bits of its candidates.
    masks: HashMap<&'a str, (&'a Field, u64)>,
    cells: Vec<ByNumber<Cell>>,
    alone: Vec<Alone>,
    sets: HashMap<u64, Count>,
    /// The events that have both of two candidates.
    pairs: Vec<Count>,
    coder: Coder,
}

/// How sure a candidate is, told by traces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The events that fulfil it.
    pub count: Count,
    /// The most telling of the tests.
    pub told: Told,
}

/// What traces tell: a mean of numbers between 0 and 1, one for each, beside the one that is expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub measure: Measure,
    /// Of the traces with events that fulfil it not.
    pub is_of_others: bool,
    pub traces: u64,
    pub effective: f64,
    pub selected: f64,
    pub expected: f64,
    pub log_bound: f64,
}

/// The number of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The part of its events that is in the selection.
    Part,
    /// 1 if one of them is.
    Hit,
}

impl Told {
    fn parts(sums: &Sums, expected: f64, is_of_others: bool, is_more: bool) -> Self {
        let selected = sums.mean();
        // Traces have to differ in the direction that events do.
        let agrees = if is_more == is_of_others {
            selected < expected
        } else {
            selected > expected
        };
        let told = Self {
            measure: Measure::Part,
            is_of_others,
            traces: sums.traces,
            effective: sums.effective(),
            selected,
            expected,
            log_bound: 0.0,
        };
        told.bound(agrees)
    }

    fn hits(hits: &Hits, is_of_others: bool) -> Self {
        let (selected, expected) = (hits.mean(), hits.expected());
        let told = Self {
            measure: Measure::Hit,
            is_of_others,
            traces: hits.traces,
            effective: hits.traces as f64,
            selected,
            expected,
            log_bound: 0.0,
        };
        told.bound(selected > expected)
    }

    fn bound(self, agrees: bool) -> Self {
        let log_bound = if agrees {
            log_bound(self.effective, self.selected, self.expected)
        } else {
            0.0
        };
        Self { log_bound, ..self }
    }
}

impl<'a> Witness<'a> {
    pub fn new(fields: &'a [Field], candidates: &'a [Candidate], traces: &'a Traces) -> Self {
        let mut masks: HashMap<&str, (&Field, u64)> = HashMap::new();
        for (bit, candidate) in candidates.iter().enumerate() {
            let field = &fields[candidate.field];
            masks.entry(&field.name).or_insert((field, 0)).1 |= 1 << bit;
        }
        Self {
            candidates,
            traces,
            masks,
            cells: candidates.iter().map(|_| ByNumber::default()).collect(),
            alone: vec![Alone::default(); candidates.len()],
            sets: HashMap::new(),
            pairs: vec![Count::default(); CANDIDATES_MAX * CANDIDATES_MAX],
            coder: Coder::default(),
        }
    }

    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let mut coder = std::mem::take(&mut self.coder);
        for events in Events::of(rows) {
            if events.has_sides() {
                let bits = self.bits(&events, &mut coder)?;
                self.add_sets(&events, &bits);
                self.add_traces(&events, &bits);
            }
        }
        self.coder = coder;
        Ok(())
    }

    /// The candidates that each event fulfils.
    fn bits(&self, events: &Events, coder: &mut Coder) -> Result<Vec<u64>, Error> {
        let mut bits = vec![0_u64; events.rows.num_rows()];
        for (field, mask) in self.masks.values() {
            let absent = self.fulfilled(*mask, None);
            let column = events.rows.column_by_name(&field.name);
            let Some(column) = column.filter(|_| !field.is_in_overflow) else {
                bits.iter_mut().for_each(|bits| *bits |= absent);
                continue;
            };
            let column = Column::new(column)?;
            coder.encode(&column);
            let values = coder.rows.iter();
            let values = values.map(|row| self.fulfilled(*mask, Some(column.value(*row))));
            let of_codes: Vec<u64> = std::iter::once(absent).chain(values).collect();
            for (bits, code) in bits.iter_mut().zip(&coder.codes) {
                *bits |= of_codes[usize::from(*code)];
            }
        }
        events.each_overflow(|row, key, text| {
            if let Some((field, mask)) = self.masks.get(key)
                && field.is_in_overflow
                && let Some(value) = Value::parse(field.kind.unwrap_or(Kind::Text), text)
            {
                bits[row] = bits[row] & !mask | self.fulfilled(*mask, Some(value.raw()));
            }
        });
        Ok(bits)
    }

    /// The candidates among those of a mask that a value fulfils.
    fn fulfilled(&self, mask: u64, value: Option<Raw<'_>>) -> u64 {
        let fulfils = |bit: &usize| {
            let test = &self.candidates[*bit].test;
            value.map_or_else(|| test.holds_for_absent(), |value| test.holds(value))
        };
        bits_of(mask).filter(fulfils).map(|bit| 1_u64 << bit).sum()
    }

    fn add_sets(&mut self, events: &Events, bits: &[u64]) {
        for (row, _) in events.of_sides() {
            self.sets
                .entry(bits[row])
                .or_default()
                .add(&events.one(row));
        }
        if self.sets.len() > SETS_MAX {
            self.count_pairs();
        }
    }

    fn count_pairs(&mut self) {
        for (set, count) in self.sets.drain() {
            for first in bits_of(set) {
                for second in bits_of(set) {
                    self.pairs[first * CANDIDATES_MAX + second].add(&count);
                }
            }
        }
    }

    fn add_traces(&mut self, events: &Events, bits: &[u64]) {
        let mut run = Run::default();
        for (row, side) in events.of_sides() {
            let (weight, is_selected) = (events.weight(row), side == SELECTION);
            let Some(id) = events.trace(row) else {
                for bit in bits_of(bits[row]) {
                    self.alone[bit].add(weight, side);
                }
                continue;
            };
            if run.id != Some(id) {
                self.end_run(&mut run);
                run.id = Some(id);
            }
            run.touched |= bits[row];
            for bit in bits_of(bits[row]) {
                run.cells[bit].add_row(weight, is_selected);
            }
        }
        self.end_run(&mut run);
    }

    fn end_run(&mut self, run: &mut Run) {
        let Some(number) = run.id.and_then(|id| self.traces.number(id)) else {
            return;
        };
        for bit in bits_of(std::mem::take(&mut run.touched)) {
            let cell = std::mem::take(&mut run.cells[bit]);
            self.cells[bit].entry(number).or_default().add(&cell);
        }
    }

    /// All candidates, each with how sure it is.
    pub fn standings(&mut self, tally: &Tally) -> Vec<Standing> {
        self.count_pairs();
        let totals = &tally.totals;
        let probability = totals.rows[SELECTION] as f64 / totals.all_rows().max(1) as f64;
        let all = (self.traces.sums(), self.traces.hits(probability));
        let each = 0..self.candidates.len();
        each.map(|bit| {
            let count = self.pairs[bit * CANDIDATES_MAX + bit];
            let [selection, baseline] = count.shares(totals);
            let is_more = selection > baseline;
            let told = self.told(bit, is_more, &all, probability);
            // Where events stand for different numbers, they are not selected with one probability.
            let told = told.filter(|told| !tally.is_weighted || told.measure == Measure::Part);
            let told = told.min_by(|a, b| a.log_bound.total_cmp(&b.log_bound));
            Standing {
                count,
                told: told.expect("parts are always told"),
            }
        })
        .collect()
    }

    fn told(
        &self,
        bit: usize,
        is_more: bool,
        (all, all_hits): &(Sums, Hits),
        probability: f64,
    ) -> impl Iterator<Item = Told> + use<> {
        let alone = &self.alone[bit];
        let mut having = alone.sums;
        let mut others = all.without(&alone.sums);
        let mut hits = alone.hits(probability);
        let mut other_hits = all_hits.without(&hits);
        for (number, cell) in &self.cells[bit] {
            let whole = &self.traces.cells[*number as usize];
            let rest = whole.without(cell);
            having.add(cell);
            hits.add(cell, probability);
            others.remove(whole);
            others.add(&rest);
            other_hits.remove(whole, probability);
            other_hits.add(&rest, probability);
        }
        let expected = all.mean();
        let of_hits = if is_more {
            Told::hits(&hits, false)
        } else {
            Told::hits(&other_hits, true)
        };
        [
            Told::parts(&having, expected, false, is_more),
            Told::parts(&others, expected, true, is_more),
            of_hits,
        ]
        .into_iter()
    }

    /// Whether two candidates are had by the same events, on both sides as far as there are any.
    pub fn is_same(&self, first: usize, second: usize) -> bool {
        let pair = |a: usize, b: usize| &self.pairs[a * CANDIDATES_MAX + b];
        let both = pair(first, second);
        let either = [pair(first, first), pair(second, second)];
        let mut is_known = false;
        for side in [SELECTION, BASELINE] {
            let rows = either[0].rows[side] + either[1].rows[side] - both.rows[side];
            let weight = either[0].weight[side] + either[1].weight[side] - both.weight[side];
            if rows < SAME_ROWS_MIN {
                continue;
            }
            is_known = true;
            if (both.weight[side] as f64) < SAME_MIN * weight as f64 {
                return false;
            }
        }
        is_known
    }
}

/// Events of one trace, one after another.
struct Run {
    id: Option<[u8; 16]>,
    touched: u64,
    cells: [Cell; CANDIDATES_MAX],
}

impl Default for Run {
    fn default() -> Self {
        Self {
            id: None,
            touched: 0,
            cells: [Cell::default(); CANDIDATES_MAX],
        }
    }
}

fn bits_of(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(bit)
    })
}
