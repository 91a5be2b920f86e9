//! A few thousand events as they are read: which side each is of, what it stands for, and its trace.

use arrow::array::{Array, ArrayRef, AsArray as _, FixedSizeBinaryArray, RecordBatch};
use arrow::datatypes::Float64Type;
use crawlspace_model::attribute::text_of_json;
use crawlspace_model::table::OVERFLOW;

use super::coder::SLICE_ROWS;
use super::question::{BASELINE_MARK, SELECTION_MARK};
use super::statistics::{BASELINE, Count, ONE, SELECTION, units};

pub(super) const WEIGHT: &str = "sample_weight";
pub(super) const TRACE: &str = "trace_id";
/// Of an event that is of neither side.
const NEITHER: u8 = 2;

/// Events of one batch.
#[derive(Debug)]
pub(super) struct Events {
    pub rows: RecordBatch,
    pub sides: Vec<u8>,
    /// The rows that are not of the baseline, which has most of them as a rule: of the selection, and of neither side.
    others: [Vec<u32>; 2],
    /// In units; none where all events stand for themselves alone.
    weights: Option<Vec<u64>>,
    /// All rows, where there are weights.
    weighted: Vec<u32>,
    traces: Option<FixedSizeBinaryArray>,
}

impl Events {
    /// The events of a batch, at most `SLICE_ROWS` at a time.
    pub fn of(rows: &RecordBatch) -> impl Iterator<Item = Self> {
        let starts = (0..rows.num_rows()).step_by(SLICE_ROWS);
        starts.map(|start| {
            let length = SLICE_ROWS.min(rows.num_rows() - start);
            Self::new(rows.slice(start, length))
        })
    }

    pub fn new(rows: RecordBatch) -> Self {
        let mut sides = vec![NEITHER; rows.num_rows()];
        for (mark, side) in [(BASELINE_MARK, BASELINE), (SELECTION_MARK, SELECTION)] {
            let marks = rows.column_by_name(mark).and_then(|c| c.as_boolean_opt());
            for row in marks.iter().flat_map(|marks| marks.values().set_indices()) {
                sides[row] = side as u8;
            }
        }
        let mut others = [Vec::new(), Vec::new()];
        let [of_selection, of_neither] = &mut others;
        for (side, row) in sides.iter().zip(0..) {
            if *side == SELECTION as u8 {
                of_selection.push(row);
            } else if *side == NEITHER {
                of_neither.push(row);
            }
        }
        let weights = rows.column_by_name(WEIGHT);
        let weights = weights.map(|weights| weights.as_primitive::<Float64Type>().values());
        let weights = weights
            .filter(|weights| weights.iter().any(|weight| *weight != 1.0))
            .map(|weights| weights.iter().map(|weight| units(*weight)).collect());
        let weights: Option<Vec<u64>> = weights;
        let weighted = weights.iter().flat_map(|weights| 0..weights.len() as u32);
        let weighted = weighted.collect();
        let traces = rows
            .column_by_name(TRACE)
            .and_then(|ids| ids.as_fixed_size_binary_opt().cloned());
        Self {
            rows,
            sides,
            others,
            weighted,
            weights,
            traces,
        }
    }

    pub fn is_weighted(&self) -> bool {
        self.weights.is_some()
    }

    pub fn has_sides(&self) -> bool {
        self.sides.iter().any(|side| *side != NEITHER)
    }

    pub fn weight(&self, row: usize) -> u64 {
        self.weights.as_ref().map_or(ONE, |weights| weights[row])
    }

    pub fn trace(&self, row: usize) -> Option<[u8; 16]> {
        let ids = self.traces.as_ref()?;
        ids.is_valid(row).then(|| ids.value(row).try_into().ok())?
    }

    /// The rows that are of a side.
    pub fn of_sides(&self) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.sides.iter().enumerate();
        rows.filter(|(_, side)| **side != NEITHER)
            .map(|(row, side)| (row, usize::from(*side)))
    }

    /// All events.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        for (row, side) in self.of_sides() {
            total.rows[side] += 1;
            total.weight[side] += self.weight(row);
        }
        total
    }

    /// One event.
    pub fn one(&self, row: usize) -> Count {
        let mut one = Count::default();
        let side = usize::from(self.sides[row]);
        if side < usize::from(NEITHER) {
            one.rows[side] = 1;
            one.weight[side] = self.weight(row);
        }
        one
    }

    /// Gives for each value, named by its code less one, the events that have it. `counts` has for each code its rows, and
    /// `codes` gives those of some rows.
    pub fn each_count<'a, Codes: Iterator<Item = u32>>(
        &'a self,
        counts: &[u32],
        codes: impl Fn(&'a [u32]) -> Codes,
        mut each: impl FnMut(usize, &Count),
    ) {
        if counts.len() == 1 {
            return;
        }
        let mut of_others = vec![[0_u32; 2]; counts.len()];
        for (place, rows) in self.others.iter().enumerate() {
            for code in codes(rows) {
                of_others[code as usize][place] += 1;
            }
        }
        let mut of_weights = Vec::new();
        if let Some(weights) = &self.weights {
            // Of events of neither side, too.
            of_weights.resize(counts.len(), [0; 3]);
            let sides = self.sides.iter().zip(weights);
            for (code, (side, weight)) in codes(&self.weighted).zip(sides) {
                of_weights[code as usize][usize::from(*side)] += weight;
            }
        }
        for (place, [selected, neither]) in of_others.iter().enumerate().skip(1) {
            let rest = counts[place] - selected - neither;
            let rows = [u64::from(*selected), u64::from(rest)];
            if rows != [0; 2] {
                let weight = of_weights
                    .get(place)
                    .map(|[selection, baseline, _]| [*selection, *baseline]);
                let weight = weight.unwrap_or_else(|| rows.map(|rows| rows * ONE));
                each(place - 1, &Count { rows, weight });
            }
        }
    }

    /// The events that have a value in a column.
    pub fn present(&self, column: &ArrayRef) -> Count {
        if column.logical_null_count() == 0 {
            return self.total();
        }
        let nulls = column.logical_nulls();
        let mut present = Count::default();
        for (row, side) in self.of_sides() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                present.rows[side] += 1;
                present.weight[side] += self.weight(row);
            }
        }
        present
    }

    /// What the overflow has: row, key, and the text that queries read.
    pub fn each_overflow(&self, mut each: impl FnMut(usize, &str, &str)) {
        let map = self.rows.column_by_name(OVERFLOW);
        let Some(map) = map.and_then(|map| map.as_map_opt()) else {
            return;
        };
        let (Some(keys), Some(values)) = (
            map.keys().as_string_opt::<i32>(),
            map.values().as_string_opt::<i32>(),
        ) else {
            return;
        };
        let offsets = map.value_offsets();
        for (row, _) in self.of_sides() {
            if map.is_null(row) {
                continue;
            }
            let entries =
                offsets[row].unsigned_abs() as usize..offsets[row + 1].unsigned_abs() as usize;
            for entry in entries {
                each(row, keys.value(entry), &text_of_json(values.value(entry)));
            }
        }
    }
}
