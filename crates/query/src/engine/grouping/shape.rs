//! Keys of heatmaps and series: steps of times and bins of integers, straight to codes.

use crawlspace_lake::Values;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Cast, Expr, TryCast};

use crate::functions::{BIN_START, Bins};

/// Of more steps than this in a block, each time is a value of its own.
const STEPS_MAX: i64 = 1 << 16;

#[derive(Debug)]
pub(super) enum Shape {
    Steps(Steps),
    Bins(Bins),
}

#[derive(Debug)]
pub(super) struct Steps {
    nanos: i64,
    /// Where some step starts.
    origin: i64,
}

impl Shape {
    /// The shape of an expression over a column, if it is one.
    pub fn of(expression: &Expr) -> Option<Self> {
        let Expr::ScalarFunction(ScalarFunction { func, args }) = expression else {
            return None;
        };
        match func.name() {
            "date_bin" => Steps::of(args).map(Self::Steps),
            BIN_START => {
                let (of, constants) = args.split_first()?;
                let (Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. })) = of
                else {
                    return None;
                };
                let constants = constants.iter().map(|constant| match constant {
                    Expr::Literal(value, _) => Some(value),
                    _ => None,
                });
                let constants: Vec<&ScalarValue> = constants.collect::<Option<_>>()?;
                let is_column = matches!(expr.as_ref(), Expr::Column(_));
                is_column
                    .then(|| Bins::of_constants(&constants))
                    .flatten()
                    .map(Self::Bins)
            }
            _ => None,
        }
    }

    /// What becomes of integers: values, and for each integer its code; nothing where that is no shorter.
    pub fn coded(&self, integers: &[i64]) -> Option<(Values, Vec<u32>)> {
        match self {
            Self::Steps(steps) => steps.coded(integers),
            Self::Bins(bins) => {
                let (starts, codes) = bins.coded(integers)?;
                Some((Values::Doubles(starts), codes))
            }
        }
    }
}

impl Steps {
    fn of(args: &[Expr]) -> Option<Self> {
        let [
            Expr::Literal(length, _),
            Expr::Column(_),
            Expr::Literal(origin, _),
        ] = args
        else {
            return None;
        };
        let ScalarValue::IntervalMonthDayNano(Some(length)) = length else {
            return None;
        };
        let ScalarValue::TimestampNanosecond(Some(origin), None) = origin else {
            return None;
        };
        let is_steps = (length.months, length.days) == (0, 0) && length.nanoseconds > 0;
        is_steps.then_some(Self {
            nanos: length.nanoseconds,
            origin: *origin,
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "it is put right"
    )]
    fn coded(&self, times: &[i64]) -> Option<(Values, Vec<u32>)> {
        let first = *times.first()?;
        let reach =
            |(least, greatest): (i64, i64), time: &i64| (least.min(*time), greatest.max(*time));
        let (least, greatest) = times.iter().fold((first, first), reach);
        let first = least.checked_sub(least.checked_sub(self.origin)?.rem_euclid(self.nanos))?;
        let reach = greatest.checked_sub(first)?;
        let count = reach / self.nanos + 1;
        if count > STEPS_MAX {
            return None;
        }
        let starts = (0..count).map(|step| first + step * self.nanos);
        // A division takes longer than all else.
        let share = 1.0 / self.nanos as f64;
        let codes = times.iter().map(|time| {
            let reach = time - first;
            let step = (reach as f64 * share) as i64;
            let into = reach - step * self.nanos;
            let step = step - i64::from(into < 0) + i64::from(into >= self.nanos);
            1 + step as u32
        });
        Some((Values::Ints(starts.collect()), codes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use crawlspace_lake::Values;
    use proptest::prelude::*;

    use super::Steps;

    proptest! {
        #[test]
        fn a_time_is_in_the_step_that_starts_before_it(
            first in -1i64 << 60..1 << 60, reaches in prop::collection::vec(0i64..1 << 50, 1..50),
            nanos in 1i64..1 << 45, origin in -1i64 << 50..1 << 50,
        ) {
            let times: Vec<i64> = reaches.iter().map(|reach| first + reach).collect();
            let steps = Steps { nanos, origin };
            let Some((Values::Ints(starts), codes)) = steps.coded(&times) else {
                return Ok(());
            };
            for (time, code) in times.iter().zip(codes) {
                let expected = time - (time - origin).rem_euclid(nanos);
                prop_assert_eq!(starts[code as usize - 1], expected);
            }
        }
    }
}
