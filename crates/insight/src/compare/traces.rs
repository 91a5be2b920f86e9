//! Events trace by trace: spans of one trace are not independent, so what is counted for significance is traces. An event
//! without a trace is one of its own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::events::Events;
use super::statistics::{Cell, Hits, SELECTION, Sums};
use crate::Error;

/// A comparison of more traces is refused.
const TRACES_MAX: usize = 8 << 20;

/// All traces of both sides.
#[derive(Debug, Default)]
pub(super) struct Traces {
    numbers: HashMap<[u8; 16], u32, ahash::RandomState>,
    /// By number.
    ids: Vec<[u8; 16]>,
    pub cells: Vec<Cell>,
    /// Events without a trace.
    pub alone: Alone,
}

/// Events that are each a trace of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alone {
    pub sums: Sums,
    pub rows: [u64; 2],
}

/// Numbers need no more than a multiplication that carries their bits upwards, and a shift back.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

pub(super) type ByNumber<T> = HashMap<u32, T, BuildHasherDefault<NumberHasher>>;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 45
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Traces {
    pub fn add(&mut self, events: &Events) -> Result<(), Error> {
        let mut last: Option<([u8; 16], u32)> = None;
        for (row, side) in events.of_sides() {
            let (weight, is_selected) = (events.weight(row), side == SELECTION);
            let Some(id) = events.trace(row) else {
                self.alone.add(weight, side);
                continue;
            };
            let number = match last {
                Some((known, number)) if known == id => number,
                _ => self.number_or_new(id)?,
            };
            last = Some((id, number));
            self.cells[number as usize].add_row(weight, is_selected);
        }
        Ok(())
    }

    pub fn number(&self, id: [u8; 16]) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// The same, found sooner where traces come in the order of the first reading, and `last` came before.
    pub fn number_after(&self, last: u32, id: [u8; 16]) -> Option<u32> {
        let next = last.wrapping_add(1);
        match self.ids.get(next as usize) {
            Some(known) if *known == id => Some(next),
            _ => self.number(id),
        }
    }

    fn number_or_new(&mut self, id: [u8; 16]) -> Result<u32, Error> {
        if let Some(number) = self.number(id) {
            return Ok(number);
        }
        if self.cells.len() >= TRACES_MAX {
            return Err(Error::Request(format!(
                "more than {TRACES_MAX} traces can't be compared: narrow the range"
            )));
        }
        let number = self.cells.len() as u32;
        self.numbers.insert(id, number);
        self.ids.push(id);
        self.cells.push(Cell::default());
        Ok(number)
    }

    /// All of them.
    pub fn sums(&self) -> Sums {
        let mut sums = self.alone.sums;
        for cell in &self.cells {
            sums.add(cell);
        }
        sums
    }

    pub fn hits(&self, probability: f64) -> Hits {
        let mut hits = self.alone.hits(probability);
        for cell in &self.cells {
            hits.add(cell, probability);
        }
        hits
    }

    /// How many have events on the selection's side, and on the other.
    pub fn on_sides(&self) -> [u64; 2] {
        let selected = self.cells.iter().filter(|cell| cell.selected > 0);
        let others = self.cells.iter().filter(|cell| cell.selected < cell.all);
        [
            self.alone.rows[0] + selected.count() as u64,
            self.alone.rows[1] + others.count() as u64,
        ]
    }
}

impl Alone {
    pub fn add(&mut self, weight: u64, side: usize) {
        let mut cell = Cell::default();
        cell.add_row(weight, side == SELECTION);
        self.sums.add(&cell);
        self.rows[side] += 1;
    }

    /// The same as traces that were hit or not.
    pub fn hits(&self, probability: f64) -> Hits {
        let mut hits = Hits::default();
        hits.add_alone(self.rows, probability);
        hits
    }
}
