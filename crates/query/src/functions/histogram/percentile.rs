//! `histogram_percentile(buckets, fraction)` and how far it may be off.
//!
//! The values of a bucket are taken to be spread evenly over it, as Prometheus' `histogram_quantile` does: of one layout,
//! the result is `lower + (upper − lower) · (rank − below) / count`, with `rank = fraction · total`, in the first bucket
//! with which `rank` is reached. As there, the lowest bucket starts at 0 if its upper bound is above 0, and is that bound
//! otherwise; the highest one is its lower bound. Of several layouts, the evenly spread counts are added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::list;

#[derive(Debug, PartialEq, Eq, Hash)]
struct HistogramPercentile {
    gives_error: bool,
    signature: Signature,
}

/// `histogram_percentile` and `histogram_error`.
pub(in crate::functions) fn percentiles() -> [Arc<AggregateUDF>; 2] {
    [false, true].map(|gives_error| {
        Arc::new(AggregateUDF::new_from_impl(HistogramPercentile {
            gives_error,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    })
}

impl AggregateUDFImpl for HistogramPercentile {
    fn name(&self) -> &'static str {
        if self.gives_error {
            "histogram_error"
        } else {
            "histogram_percentile"
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::List(_), _] => Ok(vec![list(DataType::Float64), DataType::Float64]),
            _ => plan_err!(
                "{}() takes buckets, as histogram_increase() gives them, and a fraction",
                self.name()
            ),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let fraction = args.exprs[1].downcast_ref::<Literal>();
        let fraction = match fraction.map(Literal::value) {
            Some(ScalarValue::Float64(Some(fraction))) if (0.0..=1.0).contains(fraction) => {
                *fraction
            }
            _ => {
                return plan_err!(
                    "the fraction of {}() is a constant from 0 to 1",
                    self.name()
                );
            }
        };
        Ok(Box::new(Buckets {
            fraction,
            gives_error: self.gives_error,
            counts: BTreeMap::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format!("{}[buckets]", args.name);
        Ok(vec![Arc::new(Field::new(
            name,
            list(DataType::Float64),
            true,
        ))])
    }
}

/// The buckets of a group, by the bits of their bounds.
#[derive(Debug)]
pub(super) struct Buckets {
    pub fraction: f64,
    pub gives_error: bool,
    pub counts: BTreeMap<(u64, u64), f64>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    lower: f64,
    upper: f64,
    count: f64,
}

impl Bucket {
    /// How many of its values are at most `x`.
    fn up_to(&self, x: f64) -> f64 {
        if x >= self.upper {
            self.count
        } else if x <= self.lower {
            0.0
        } else {
            self.count * (x - self.lower) / (self.upper - self.lower)
        }
    }
}

impl Buckets {
    fn add(&mut self, lists: &ArrayRef) {
        let lists = lists.as_list::<i32>();
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            let numbers = lists.value(row);
            let (buckets, _) = numbers
                .as_primitive::<Float64Type>()
                .values()
                .as_chunks::<3>();
            for [lower, upper, count] in buckets {
                *self
                    .counts
                    .entry((lower.to_bits(), upper.to_bits()))
                    .or_insert(0.0) += count;
            }
        }
    }

    /// The percentile, and how far that of the values themselves may be from it.
    pub(super) fn percentile(&self) -> Option<(f64, f64)> {
        let bounds = |(lower, upper): &(u64, u64)| (f64::from_bits(*lower), f64::from_bits(*upper));
        let all = self.counts.iter().map(|(key, count)| (bounds(key), *count));
        // Of a bucket without any bound nothing is known.
        let known: Vec<((f64, f64), f64)> = all
            .filter(|((lower, upper), _)| lower.is_finite() || upper.is_finite())
            .collect();
        let total: f64 = known.iter().map(|(_, count)| count).sum();
        if total <= 0.0 {
            return None;
        }
        let rank = self.fraction * total;
        let closed: Vec<Bucket> = known
            .iter()
            .map(|(bounds, count)| closed(*bounds, *count))
            .collect();
        let value = spread(&closed, rank);
        // The true one is not before so many values may have come, and not after so many must have.
        let reached = |bound: fn(&(f64, f64)) -> f64| {
            let mut by: Vec<(f64, f64)> = known
                .iter()
                .map(|(bounds, count)| (bound(bounds), *count))
                .collect();
            by.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut below = 0.0;
            let found = by.iter().find(|(_, count)| {
                below += count;
                below >= rank
            });
            found.or(by.last()).map_or(value, |(bound, _)| *bound)
        };
        let (least, greatest) = (reached(|(lower, _)| *lower), reached(|(_, upper)| *upper));
        Some((value, (value - least).max(greatest - value).max(0.0)))
    }
}

fn closed((lower, upper): (f64, f64), count: f64) -> Bucket {
    let (lower, upper) = match (lower.is_finite(), upper.is_finite()) {
        (false, _) if upper > 0.0 => (0.0, upper),
        (false, _) => (upper, upper),
        (_, false) => (lower, lower),
        _ => (lower, upper),
    };
    Bucket {
        lower,
        upper,
        count,
    }
}

/// Where the evenly spread values reach the rank.
fn spread(buckets: &[Bucket], rank: f64) -> f64 {
    let mut bounds: Vec<f64> = buckets.iter().flat_map(|b| [b.lower, b.upper]).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let up_to = |x: f64| buckets.iter().map(|bucket| bucket.up_to(x)).sum::<f64>();
    let reached = bounds.partition_point(|bound| up_to(*bound) < rank);
    let reached = reached.min(bounds.len() - 1);
    let upper = bounds[reached];
    if reached == 0 {
        return upper;
    }
    let lower = bounds[reached - 1];
    // What is all at the upper bound comes only there.
    let at_upper = buckets
        .iter()
        .filter(|b| b.lower == b.upper && b.upper == upper);
    let at_upper: f64 = at_upper.map(|bucket| bucket.count).sum();
    let (before, after) = (up_to(lower), up_to(upper) - at_upper);
    if rank >= after || after <= before {
        return upper;
    }
    lower + (upper - lower) * (rank - before) / (after - before)
}

impl Accumulator for Buckets {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0]);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add(&states[0]);
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers = self.counts.iter().flat_map(|((lower, upper), count)| {
            [f64::from_bits(*lower), f64::from_bits(*upper), *count]
        });
        let numbers: ArrayRef = Arc::new(numbers.collect::<Float64Array>());
        let field = Arc::new(Field::new_list_field(DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths([numbers.len()]);
        let list = arrow::array::ListArray::try_new(field, offsets, numbers, None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let found = self.percentile();
        Ok(ScalarValue::Float64(found.map(|(value, error)| {
            if self.gives_error { error } else { value }
        })))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.len() * 4 * size_of::<u64>()
    }
}
