//! The last reading: which traces have what may be different, and which candidates are had by the same events.

use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::candidate::{CANDIDATES_MAX, Candidate};
use super::coder::{Coder, Column};
use super::events::Events;
use super::field::Field;
use super::statistics::{BASELINE, Cell, Count, SELECTION, Sums, log_bound};
use super::traces::{ByNumber, Traces, alone};
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
    alone: Vec<Sums>,
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
    pub log_bound: f64,
    /// Of the traces that tell so: those with the value, or with events that have it not.
    pub sums: Sums,
    pub is_of_others: bool,
    pub expected: f64,
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
            alone: vec![Sums::default(); candidates.len()],
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
                    self.alone[bit].add(&alone(weight, is_selected));
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
    pub fn standings(&mut self, totals: &Count) -> Vec<Standing> {
        self.count_pairs();
        let all = self.traces.sums();
        let each = 0..self.candidates.len();
        each.map(|bit| self.standing(bit, totals, &all)).collect()
    }

    fn standing(&self, bit: usize, totals: &Count, all: &Sums) -> Standing {
        let mut having = self.alone[bit];
        let mut others = all.without(&self.alone[bit]);
        for (number, cell) in &self.cells[bit] {
            let whole = &self.traces.cells[*number as usize];
            having.add(cell);
            others.remove(whole);
            others.add(&whole.without(cell));
        }
        let count = self.pairs[bit * CANDIDATES_MAX + bit];
        let [selection, baseline] = count.shares(totals);
        let expected = all.mean();
        // Traces have to differ in the same direction as events do.
        let bound = |sums: &Sums, is_above: bool| {
            let mean = sums.mean();
            let agrees = if is_above {
                mean > expected
            } else {
                mean < expected
            };
            if agrees {
                log_bound(sums.effective(), mean, expected)
            } else {
                0.0
            }
        };
        let is_more = selection > baseline;
        let (of_having, of_others) = (bound(&having, is_more), bound(&others, !is_more));
        let is_of_others = of_others < of_having;
        let (log_bound, sums) = if is_of_others {
            (of_others, others)
        } else {
            (of_having, having)
        };
        Standing {
            count,
            log_bound,
            sums,
            is_of_others,
            expected,
        }
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
