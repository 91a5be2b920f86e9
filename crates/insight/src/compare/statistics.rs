//! How different two shares are, and how sure that is. Weights are whole numbers of a fixed small unit, so that sums do
//! not depend on the order of events.

/// The weight of an event that stands for itself alone.
pub(super) const ONE: u64 = 1 << 24;
/// How likely it is that a comparison of what does not differ finds something.
pub(super) const SIGNIFICANCE: f64 = 0.05;
/// Smaller effects are not worth a sentence, however sure they are.
pub(super) const EFFECT_MIN: f64 = 0.01;
/// Each value is tested for having too many and too few, itself and all that have it not, by the parts of traces and by
/// the traces that were hit: those of them that make sense.
pub(super) const TESTS_OF_A_VALUE: f64 = 6.0;
/// What is expected of one trace, as a whole number.
const CERTAIN: f64 = 4_294_967_296.0;

pub(super) const SELECTION: usize = 0;
pub(super) const BASELINE: usize = 1;

/// A sample weight in units.
pub(super) fn units(weight: f64) -> u64 {
    ((weight * ONE as f64).round() as u64).max(1)
}

/// Events of both sides: rows, and what they stand for in units of weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub rows: [u64; 2],
    pub weight: [u64; 2],
}

impl Count {
    pub fn add(&mut self, other: &Self) {
        for side in [SELECTION, BASELINE] {
            self.rows[side] += other.rows[side];
            self.weight[side] += other.weight[side];
        }
    }

    pub fn without(&self, part: &Self) -> Self {
        let mut rest = *self;
        for side in [SELECTION, BASELINE] {
            rest.rows[side] -= part.rows[side];
            rest.weight[side] -= part.weight[side];
        }
        rest
    }

    pub fn all_rows(&self) -> u64 {
        self.rows[SELECTION] + self.rows[BASELINE]
    }

    /// Which part of each side these are.
    pub fn shares(&self, totals: &Self) -> [f64; 2] {
        [SELECTION, BASELINE]
            .map(|side| self.weight[side] as f64 / totals.weight[side].max(1) as f64)
    }

    /// Which part of these the selection has.
    pub fn selected(&self) -> f64 {
        let all = self.weight[SELECTION] + self.weight[BASELINE];
        self.weight[SELECTION] as f64 / all.max(1) as f64
    }

    pub fn effect(&self, totals: &Self) -> f64 {
        let [selection, baseline] = self.shares(totals);
        effect(selection, baseline)
    }
}

/// The correlation (phi) between having a value and being of the selection, if both sides were of the same size: 0 where
/// the shares are equal, 1 where all of one side and none of the other have it. Of equal differences that of rare values
/// counts more: 5% against none is more than 55% against 50%.
pub(super) fn effect(selection: f64, baseline: f64) -> f64 {
    let mean = f64::midpoint(selection, baseline);
    let spread = 2.0 * (mean * (1.0 - mean)).sqrt();
    if spread > 0.0 {
        ((selection - baseline).abs() / spread).min(1.0)
    } else {
        0.0
    }
}

/// The logarithm of a bound on how likely a mean of `trials` independent numbers between 0 and 1 is as far from
/// `expected`, their mean, as `observed` is: W. Hoeffding, Probability Inequalities for Sums of Bounded Random Variables
/// (1963), theorem 1. It holds whatever else is known of the numbers, and for drawing without putting back.
pub(super) fn log_bound(trials: f64, observed: f64, expected: f64) -> f64 {
    let part = |observed: f64, expected: f64| {
        if observed <= 0.0 {
            0.0
        } else {
            observed * (observed / expected).ln()
        }
    };
    let divergence = part(observed, expected) + part(1.0 - observed, 1.0 - expected);
    // Rounding may take it below zero.
    -trials * divergence.max(0.0)
}

/// What the numbers between 0 and 1 of traces sum up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub traces: u64,
    selected: u128,
    weight: u128,
    squares: u128,
}

impl Sums {
    /// A trace by its mean weight, of which a part is selected.
    pub fn add(&mut self, cell: &Cell) {
        if cell.rows > 0 {
            let (weight, selected) = cell.parts();
            self.traces += 1;
            self.selected += selected;
            self.weight += weight;
            self.squares += weight * weight;
        }
    }

    pub fn with(&self, more: &Self) -> Self {
        Self {
            traces: self.traces + more.traces,
            selected: self.selected + more.selected,
            weight: self.weight + more.weight,
            squares: self.squares + more.squares,
        }
    }

    /// What is left without some of them.
    pub fn without(&self, part: &Self) -> Self {
        Self {
            traces: self.traces - part.traces,
            selected: self.selected - part.selected,
            weight: self.weight - part.weight,
            squares: self.squares - part.squares,
        }
    }

    /// The mean part that is selected.
    pub fn mean(&self) -> f64 {
        self.selected as f64 / (self.weight as f64).max(1.0)
    }

    /// How many traces of equal weight tell as much (L. Kish, Survey Sampling, 1965).
    pub fn effective(&self) -> f64 {
        let weight = self.weight as f64;
        weight * weight / (self.squares as f64).max(1.0)
    }
}

/// Traces with an event in the selection, among those that might have had one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hits {
    pub traces: u64,
    hit: u64,
    expected: u64,
}

impl Hits {
    /// Events of a trace, each of which is in the selection with that probability: one of them is with no more than
    /// their sum, however they depend on each other.
    pub fn add(&mut self, cell: &Cell, probability: f64) {
        if cell.rows > 0 {
            self.traces += 1;
            self.hit += u64::from(cell.selected > 0);
            self.expected += expected_of(cell, probability);
        }
    }

    /// Events that are traces of their own, by side.
    pub fn add_alone(&mut self, rows: [u64; 2], probability: f64) {
        let one = Cell {
            rows: 1,
            ..Cell::default()
        };
        let all = rows[SELECTION] + rows[BASELINE];
        self.traces += all;
        self.hit += rows[SELECTION];
        self.expected += all * expected_of(&one, probability);
    }

    pub fn with(&self, more: &Self) -> Self {
        Self {
            traces: self.traces + more.traces,
            hit: self.hit + more.hit,
            expected: self.expected + more.expected,
        }
    }

    pub fn without(&self, part: &Self) -> Self {
        Self {
            traces: self.traces - part.traces,
            hit: self.hit - part.hit,
            expected: self.expected - part.expected,
        }
    }

    /// Which part of them was hit.
    pub fn mean(&self) -> f64 {
        self.hit as f64 / (self.traces as f64).max(1.0)
    }

    /// Which part would be, at most.
    pub fn expected(&self) -> f64 {
        self.expected as f64 / CERTAIN / (self.traces as f64).max(1.0)
    }
}

fn expected_of(cell: &Cell, probability: f64) -> u64 {
    // The nearest whole number; `round` would be a call.
    ((f64::from(cell.rows) * probability).min(1.0) * CERTAIN + 0.5) as u64
}

/// Events of one trace, in units of weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub selected: u64,
    pub all: u64,
    pub rows: u32,
}

impl Cell {
    pub fn add_row(&mut self, weight: u64, is_selected: bool) {
        self.all += weight;
        self.selected += if is_selected { weight } else { 0 };
        self.rows += 1;
    }

    pub fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.selected += other.selected;
        self.rows += other.rows;
    }

    pub fn without(&self, part: &Self) -> Self {
        Self {
            selected: self.selected - part.selected,
            all: self.all - part.all,
            rows: self.rows - part.rows,
        }
    }

    /// The mean weight, and the part of it that is selected.
    fn parts(&self) -> (u128, u128) {
        // Mostly all events of a trace stand for themselves and are on one side: no division is needed.
        let rows = u64::from(self.rows);
        let weight = if self.all == rows * ONE {
            ONE
        } else {
            (self.all / rows).max(1)
        };
        let weight = u128::from(weight);
        let selected = match self.selected {
            0 => 0,
            all if all == self.all => weight,
            part => weight * u128::from(part) / u128::from(self.all),
        };
        (weight, selected)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, ONE, Sums, effect, log_bound};

    #[test]
    fn effects_are_zero_for_the_same_and_one_for_the_opposite() {
        for (selection, baseline, expected) in [
            (0.3, 0.3, 0.0),
            (1.0, 0.0, 1.0),
            (0.0, 1.0, 1.0),
            (0.0, 0.0, 0.0),
            (1.0, 1.0, 0.0),
            (0.98, 0.0, 0.98),
        ] {
            let found: f64 = effect(selection, baseline);
            assert!((found - expected).abs() < 0.02, "{selection} {baseline}");
        }
        assert!(effect(0.05, 0.0) > effect(0.55, 0.5));
    }

    /// The bound against the binomial distribution itself.
    #[test]
    fn the_bound_is_above_the_probability_and_not_far() {
        for (trials, expected) in [(20, 0.5), (50, 0.1), (200, 0.01)] {
            let mut terms = vec![f64::powi(1.0 - expected, trials)];
            for hits in 1..=trials {
                let last = terms[terms.len() - 1];
                let ratio = f64::from(trials - hits + 1) / f64::from(hits);
                terms.push(last * ratio * expected / (1.0 - expected));
            }
            for hits in 0..=trials {
                let observed = f64::from(hits) / f64::from(trials);
                if observed <= expected {
                    continue;
                }
                let tail: f64 = terms[hits as usize..].iter().sum();
                let bound = log_bound(f64::from(trials), observed, expected).exp();
                // What is too small for a double has lost its digits.
                if tail < 1e-280 {
                    break;
                }
                assert!(bound >= tail * 0.999_999, "{trials} {hits}");
                assert!(bound <= tail * 40.0, "{trials} {hits}: {bound} {tail}");
            }
        }
    }

    #[test]
    fn a_trace_counts_once_however_many_spans_it_has() {
        let mut sums = Sums::default();
        for (selected, rows) in [(10, 10), (0, 1), (0, 1), (1, 2)] {
            sums.add(&Cell {
                selected: selected * ONE,
                all: u64::from(rows) * ONE,
                rows,
            });
        }
        assert_eq!(sums.traces, 4);
        assert!((sums.mean() - 1.5 / 4.0).abs() < 1e-6);
        assert!((sums.effective() - 4.0).abs() < 1e-9);
    }
}
