//! The last reading: which traces have what may be different, and which candidates are had by the same events.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Mutex;

use super::candidate::{CANDIDATES_MAX, Candidate};
use super::coder::{Coder, Column, raw};
use super::events::Events;
use super::field::Field;
use super::reading::{Rows, on_all_cores};
use super::statistics::{BASELINE, Cell, Count, Hits, SELECTION, Sums, log_bound};
use super::tally::Tally;
use super::traces::{Alone, ByNumber, NumberHasher, Traces};
use super::value::{Kind, Raw, Value};
use crate::Error;

/// Sets of candidates that are kept apart before their pairs are counted.
const SETS_MAX: usize = 1 << 16;
/// Pieces of traces that are kept: with more, fewer candidates are looked at.
const PIECES_MAX: usize = 4 << 20;
/// Two candidates say the same if so many of the events that have one have both, on each side.
const SAME_MIN: f64 = 0.9;
/// Fewer events of a side say nothing on that.
const SAME_ROWS_MIN: u64 = 3;

pub(super) struct Witness<'a> {
    candidates: &'a [Candidate],
    traces: &'a Traces,
    /// For each field of a candidate, the bits of its candidates.
    masks: HashMap<&'a str, (&'a Field, u64)>,
    /// Which part of all events is in the selection.
    probability: f64,
    traced: Vec<Traced>,
    /// Of traces that are not read in one piece.
    pieces: Vec<ByNumber<Cell>>,
    pieces_kept: usize,
    /// Bits of candidates for which there was no room.
    given_up: u64,
    sets: HashMap<u64, Count, BuildHasherDefault<NumberHasher>>,
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
    pub fn new(tally: &'a Tally, candidates: &'a [Candidate]) -> Self {
        let (fields, totals) = (&tally.fields, &tally.totals);
        let mut masks: HashMap<&str, (&Field, u64)> = HashMap::new();
        for (bit, candidate) in candidates.iter().enumerate() {
            let field = &fields[candidate.field];
            masks.entry(&field.name).or_insert((field, 0)).1 |= 1 << bit;
        }
        Self {
            candidates,
            traces: &tally.traces,
            masks,
            probability: totals.rows[SELECTION] as f64 / totals.all_rows().max(1) as f64,
            traced: vec![Traced::default(); candidates.len()],
            pieces: candidates.iter().map(|_| ByNumber::default()).collect(),
            pieces_kept: 0,
            given_up: 0,
            sets: HashMap::default(),
            pairs: vec![Count::default(); CANDIDATES_MAX * CANDIDATES_MAX],
            coder: Coder::default(),
        }
    }

    pub fn add(&mut self, piece: &Rows<'_>) -> Result<(), Error> {
        let mut coder = std::mem::take(&mut self.coder);
        let of_chunks = self.bits_of_chunks(piece)?;
        let mut first = 0;
        for events in Events::of(piece.rows()) {
            let end = first + events.rows.num_rows();
            if events.has_sides() {
                let mut bits = of_chunks[first..end].to_vec();
                self.add_bits(&events, piece, &mut coder, &mut bits)?;
                self.add_sets(&events, &bits);
                self.add_traces(&events, &bits);
            }
            first = end;
        }
        self.coder = coder;
        Ok(())
    }

    /// The candidates that each event fulfils by the columns of a row group.
    fn bits_of_chunks(&self, piece: &Rows<'_>) -> Result<Vec<u64>, Error> {
        let bits = Mutex::new(vec![0; piece.rows().num_rows()]);
        let fields = self.masks.values();
        let chunks = fields.filter_map(|(field, mask)| Some((*mask, piece.field(&field.name)?)));
        on_all_cores(chunks, |(mask, chunk), buffer| {
            let chunk = chunk.decode(std::mem::take(buffer))?;
            let values = 0..chunk.values.len();
            let of_values =
                values.map(|place| self.fulfilled(mask, Some(raw(&chunk.values, place))));
            let of_values: Vec<u64> = of_values.collect();
            let mut bits = bits.lock().expect("no holder of the bits panics");
            let absent = self.fulfilled(mask, None);
            if absent != 0 {
                chunk.each_absent(|row| bits[row] |= absent);
            }
            chunk.each_value(|row, place| bits[row] |= of_values[place]);
            *buffer = chunk.into_room();
            Ok(())
        })?;
        Ok(bits.into_inner().expect("no holder of the bits panics"))
    }

    /// Adds the candidates that each event fulfils by its other fields.
    fn add_bits(
        &self,
        events: &Events,
        piece: &Rows<'_>,
        coder: &mut Coder,
        bits: &mut [u64],
    ) -> Result<(), Error> {
        let of_rows = |field: &Field| field.is_in_overflow || piece.field(&field.name).is_none();
        for (field, mask) in self.masks.values().filter(|(field, _)| of_rows(field)) {
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
                *bits |= of_codes[*code as usize];
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
        Ok(())
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
        // Events one after another often fulfil the same.
        let (mut last, mut count) = (0, Count::default());
        for (row, side) in events.of_sides() {
            if bits[row] != last {
                self.sets.entry(last).or_default().add(&count);
                (last, count) = (bits[row], Count::default());
            }
            count.rows[side] += 1;
            count.weight[side] += events.weight(row);
        }
        self.sets.entry(last).or_default().add(&count);
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
            let bits = bits[row] & !self.given_up;
            let Some(id) = events.trace(row) else {
                for bit in bits_of(bits) {
                    self.traced[bit].alone.add(weight, side);
                }
                continue;
            };
            if run.id != Some(id) {
                self.end_run(&mut run);
                run.id = Some(id);
            }
            run.rows += 1;
            run.touched |= bits;
            for bit in bits_of(bits) {
                run.cells[bit].add_row(weight, is_selected);
            }
        }
        self.end_run(&mut run);
    }

    /// Most traces are in one piece, since parts are sorted by them. Pieces of others are kept until all are there.
    fn end_run(&mut self, run: &mut Run) {
        let rows = std::mem::take(&mut run.rows);
        let known = run.id.and_then(|id| self.traces.number_after(run.last, id));
        let Some(number) = known else {
            return;
        };
        run.last = number;
        let whole = Whole::new(self.traces.cells[number as usize], self.probability);
        for bit in bits_of(std::mem::take(&mut run.touched)) {
            let cell = std::mem::take(&mut run.cells[bit]);
            if rows == whole.cell.rows {
                self.traced[bit].add(&cell, &whole, self.probability);
                continue;
            }
            let pieces = &mut self.pieces[bit];
            let before = pieces.len();
            pieces.entry(number).or_default().add(&cell);
            self.pieces_kept += pieces.len() - before;
        }
        while self.pieces_kept > PIECES_MAX {
            self.give_up_last();
        }
    }

    /// Those with the smallest effects go first.
    fn give_up_last(&mut self) {
        let kept = (0..self.candidates.len()).filter(|bit| self.given_up & 1 << bit == 0);
        if let Some(last) = kept.last() {
            self.given_up |= 1 << last;
            self.pieces_kept -= std::mem::take(&mut self.pieces[last]).len();
        }
    }

    /// All candidates, each with how sure it is; nothing is known of those that were given up.
    pub fn standings(&mut self, tally: &Tally) -> Vec<Option<Standing>> {
        self.count_pairs();
        for (traced, pieces) in self.traced.iter_mut().zip(&self.pieces) {
            for (number, cell) in pieces {
                let whole = Whole::new(self.traces.cells[*number as usize], self.probability);
                traced.add(cell, &whole, self.probability);
            }
        }
        let all = (self.traces.sums(), self.traces.hits(self.probability));
        let standing = |(bit, traced): (usize, &Traced)| {
            let count = self.pairs[bit * CANDIDATES_MAX + bit];
            let [selection, baseline] = count.shares(&tally.totals);
            let told = traced.told(&all, selection > baseline, self.probability);
            // Where events stand for different numbers, they are not selected with one probability.
            let told = told.into_iter();
            let told = told.filter(|told| !tally.is_weighted || told.measure == Measure::Part);
            let told = told.min_by(|a, b| a.log_bound.total_cmp(&b.log_bound))?;
            (self.given_up & 1 << bit == 0).then_some(Standing { count, told })
        };
        self.traced.iter().enumerate().map(standing).collect()
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

/// What the traces with events of a candidate sum up to.
#[derive(Debug, Clone, Copy, Default)]
struct Traced {
    alone: Alone,
    having: Sums,
    /// All events of the same traces, and those of them that have it not.
    wholes: Sums,
    rests: Sums,
    hits: Hits,
    whole_hits: Hits,
    rest_hits: Hits,
}

impl Traced {
    fn add(&mut self, cell: &Cell, whole: &Whole, probability: f64) {
        self.wholes = self.wholes.with(&whole.sums);
        self.whole_hits = self.whole_hits.with(&whole.hits);
        // What a trace has, it has on all its events as a rule.
        if cell.rows == whole.cell.rows {
            self.having = self.having.with(&whole.sums);
            self.hits = self.hits.with(&whole.hits);
            return;
        }
        let rest = whole.cell.without(cell);
        self.having.add(cell);
        self.rests.add(&rest);
        self.hits.add(cell, probability);
        self.rest_hits.add(&rest, probability);
    }

    fn told(&self, (all, all_hits): &(Sums, Hits), is_more: bool, probability: f64) -> [Told; 3] {
        let alone = self.alone.hits(probability);
        let having = self.having.with(&self.alone.sums);
        let others = all.without(&self.alone.sums).without(&self.wholes);
        let others = others.with(&self.rests);
        let of_hits = if is_more {
            Told::hits(&self.hits.with(&alone), false)
        } else {
            let others = all_hits.without(&alone).without(&self.whole_hits);
            Told::hits(&others.with(&self.rest_hits), true)
        };
        let expected = all.mean();
        [
            Told::parts(&having, expected, false, is_more),
            Told::parts(&others, expected, true, is_more),
            of_hits,
        ]
    }
}

/// A trace with all its events, and what it adds to sums.
struct Whole {
    cell: Cell,
    sums: Sums,
    hits: Hits,
}

impl Whole {
    fn new(cell: Cell, probability: f64) -> Self {
        let (mut sums, mut hits) = (Sums::default(), Hits::default());
        sums.add(&cell);
        hits.add(&cell, probability);
        Self { cell, sums, hits }
    }
}

/// Events of one trace, one after another.
struct Run {
    id: Option<[u8; 16]>,
    /// The number of the one before.
    last: u32,
    rows: u32,
    touched: u64,
    cells: [Cell; CANDIDATES_MAX],
}

impl Default for Run {
    fn default() -> Self {
        Self {
            id: None,
            last: 0,
            rows: 0,
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
