//! What is usual, how far it spreads, and how improbable it is to be so far off: robust against one odd day among the
//! earlier ones.

use crate::tails;

/// Of fewer hours, how far they spread cannot be seen.
const SEEN_HOURS_MIN: usize = 3;
/// One odd hour is left out of so many.
const TRIMMED_HOURS_MIN: usize = 4;
/// What leaving out the largest of squares takes from their mean: of 4 to 8 normal values it is 1.7 to 2.1 times less.
const TRIMMED: f64 = 1.8;
/// What others spread weighs as much as so many hours of one's own…
const POOLED_FREEDOM: f64 = 20.0;
/// …and whatever they do, this much of one's own counts.
const OWN_MIN: f64 = 0.7;

/// The middle one: of an even number, the lower, as `percentile(x, 0.5)` has it.
pub(super) fn middle(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().div_ceil(2).checked_sub(1)?)
        .copied()
}

/// How far ratios to the middle spread, as a variance of their logarithms; `None` where that can't be seen.
#[expect(clippy::cast_precision_loss, reason = "some hours")]
pub(super) fn variance(values: &[f64], middle: f64) -> Option<f64> {
    if values.len() < SEEN_HOURS_MIN || middle <= 0.0 {
        return None;
    }
    let mut squares: Vec<f64> = values
        .iter()
        .map(|value| ((value + 0.5) / (middle + 0.5)).ln().powi(2))
        .collect();
    squares.sort_by(f64::total_cmp);
    let is_trimmed = squares.len() >= TRIMMED_HOURS_MIN;
    let factor = if is_trimmed { TRIMMED } else { 1.0 };
    squares.truncate(squares.len() - usize::from(is_trimmed));
    Some(factor * squares.iter().sum::<f64>() / (squares.len() as f64 - 1.0).max(1.0))
}

/// How far hours spread beyond chance: for one flow what is seen of it, held against what is seen of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub variance: f64,
    pub freedom: f64,
}

impl Spread {
    /// `pooled` is of all flows. Where nothing is seen, `assumed`.
    #[expect(clippy::cast_precision_loss, reason = "some hours")]
    pub fn of(
        own: Option<f64>,
        hours: usize,
        pooled: Option<f64>,
        assumed: f64,
        least: f64,
    ) -> Self {
        let (Some(own), Some(pooled)) = (own, pooled) else {
            return Self {
                variance: assumed * assumed,
                freedom: POOLED_FREEDOM / 2.0,
            };
        };
        let own_freedom = (hours as f64 - 2.0).max(1.0);
        let both = (POOLED_FREEDOM * pooled + own_freedom * own) / (POOLED_FREEDOM + own_freedom);
        Self {
            variance: both.max(OWN_MIN * own).max(least * least),
            freedom: POOLED_FREEDOM + own_freedom,
        }
    }

    /// With what chance adds, and that the middle of so many hours is not known exactly.
    #[expect(clippy::cast_precision_loss, reason = "some hours")]
    pub fn of_next(self, by_chance: f64, hours: usize) -> f64 {
        const MIDDLE: f64 = std::f64::consts::FRAC_PI_2;
        self.variance + MIDDLE * (self.variance + by_chance) / hours.max(1) as f64
    }
}

/// How improbable a count is where another is expected, on the side where it is.
pub(super) fn count(now: f64, expected: f64, spread: Spread, hours: usize) -> f64 {
    let by_chance = 1.0 / expected.max(0.5);
    let variance = spread.of_next(by_chance, hours);
    let counted = match now > expected {
        true => tails::count_at_least(now, expected, variance.sqrt()),
        false => tails::count_at_most(now, expected, variance.sqrt()),
    };
    // How far hours spread is only estimated: tails are heavier than those of a known spread.
    let t = ((now + 0.5) / (expected + 0.5)).ln() / (variance + by_chance).sqrt();
    counted
        .max(tails::student_beyond(t, spread.freedom))
        .min(1.0)
}

/// How improbable a time is where another is usual; `by_chance` is the variance that the few requests of an hour make.
pub(super) fn time(now: f64, usual: f64, by_chance: f64, spread: Spread, hours: usize) -> f64 {
    let variance = spread.of_next(by_chance, hours) + by_chance;
    tails::student_beyond((now / usual).ln() / variance.sqrt(), spread.freedom)
}

#[cfg(test)]
mod tests {
    use super::{Spread, count, middle, variance};

    #[test]
    fn one_odd_day_changes_neither_the_middle_nor_the_spread_by_much() {
        let calm = [100.0, 104.0, 97.0, 101.0, 95.0, 103.0, 99.0];
        let odd = [100.0, 104.0, 97.0, 101.0, 95.0, 103.0, 5.0];
        let of = |values: &[f64]| {
            let middle = middle(values.iter().copied()).unwrap();
            (middle, variance(values, middle).unwrap().sqrt())
        };
        let ((calm, narrow), (other, wide)) = (of(&calm), of(&odd));
        assert_eq!((calm, other), (100.0, 100.0));
        assert!(
            narrow > 0.02 && wide < 2.0 * narrow && wide < 0.06,
            "{narrow} {wide}"
        );
        assert_eq!(middle([4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(middle([]), None);
    }

    #[test]
    fn few_requests_are_no_finding_and_many_are() {
        let spread = Spread::of(Some(0.01), 7, Some(0.01), 0.25, 0.05);
        for (now, expected, is_odd) in [
            (0.0, 3.0, false),
            (9.0, 3.0, false),
            (0.0, 40.0, true),
            (20.0, 40.0, false),
            (400.0, 1_000.0, true),
            (1_200.0, 1_000.0, false),
        ] {
            let p_value = count(now, expected, spread, 7);
            assert_eq!(
                p_value < 1e-5,
                is_odd,
                "{now} where {expected} are usual: {p_value}"
            );
        }
    }
}
