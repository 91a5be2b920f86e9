//! `bin_start(value, least, start, end, bins, grows)` and `bin_end(…)`: the bounds of the bin that a value is in. Bins
//! reach from `start` to `end`, evenly or each larger than the one before by the same factor; the last one has its end.
//! What is below `start` is in one bin from `least` on. A value is held against the very bounds that are answered.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

const BINS_MAX: usize = 10_000;
pub(crate) const BIN_START: &str = "bin_start";

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bin {
    gives_end: bool,
    signature: Signature,
}

/// Both functions.
pub(super) fn bins() -> [Arc<ScalarUDF>; 2] {
    [false, true].map(|gives_end| {
        let number = DataType::Float64;
        let mut types = vec![number; 4];
        types.extend([DataType::Int64, DataType::Boolean]);
        Arc::new(ScalarUDF::new_from_impl(Bin {
            gives_end,
            signature: Signature::exact(types, Volatility::Immutable),
        }))
    })
}

impl ScalarUDFImpl for Bin {
    fn name(&self) -> &'static str {
        if self.gives_end { "bin_end" } else { BIN_START }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constants: Option<Vec<&ScalarValue>> = args.args[1..]
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Scalar(value) => Some(value),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let bins = constants.and_then(|constants| Bins::of_constants(&constants));
        let Some(bins) = bins else {
            return exec_err!(
                "{}() takes a value and five constants: bounds in their order and 1 to {BINS_MAX} bins",
                self.name()
            );
        };
        let values = args.args[0].to_array(args.number_rows)?;
        let bin = |value: f64| match bins.of(value) {
            Some(bin) => [bins.bounds[bin], bins.bounds[bin + 1]],
            None => [bins.least.min(value), bins.bounds[0]],
        };
        let values = values.as_primitive::<Float64Type>();
        let found = values.iter().map(|value| {
            let value = value.filter(|value| !value.is_nan())?;
            Some(bin(value)[usize::from(self.gives_end)])
        });
        Ok(ColumnarValue::Array(Arc::new(
            found.collect::<Float64Array>(),
        )))
    }
}

/// Numbers whose first bits are alike are in few bins: so many bits behind the order of magnitude are looked at.
const LOOKED_AT_BITS: u32 = 6;
const ALIKE_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - LOOKED_AT_BITS;
const ALIKE_MAX: u64 = 1 << 16;

#[derive(Debug)]
pub(crate) struct Bins {
    /// Of all values; what is below the first bound is in one bin from there on.
    least: f64,
    bounds: Vec<f64>,
    /// By the first bits of a number, from those of the first bound on: the bin of the least such number.
    first: Vec<u16>,
    least_bits: u64,
}

impl Bins {
    /// Those that the constants of `bin_start()` describe, if they do.
    pub(crate) fn of_constants(constants: &[&ScalarValue]) -> Option<Self> {
        let [
            ScalarValue::Float64(Some(least)),
            ScalarValue::Float64(Some(start)),
            ScalarValue::Float64(Some(end)),
            ScalarValue::Int64(Some(count)),
            ScalarValue::Boolean(Some(grows)),
        ] = constants
        else {
            return None;
        };
        let count = usize::try_from(*count).unwrap_or_default();
        let is_ordered = start <= end && (!grows || *start > 0.0);
        let is_possible = (1..=BINS_MAX).contains(&count) && is_ordered;
        is_possible.then(|| Self {
            least: *least,
            ..Self::new(*start, *end, count, *grows)
        })
    }

    /// Where bins start, and for each integer the place of its bin and one; nothing where one is less than the least.
    #[expect(clippy::cast_precision_loss, reason = "as a cast to doubles has it")]
    pub(crate) fn coded(&self, integers: &[i64]) -> Option<(Vec<f64>, Vec<u32>)> {
        let inner = self.bounds.len() - 1;
        let mut is_any_less = false;
        let codes = integers.iter().map(|integer| {
            let value = *integer as f64;
            1 + self.of(value).unwrap_or_else(|| {
                is_any_less |= value < self.least || self.least.is_nan();
                inner
            }) as u32
        });
        let codes: Vec<u32> = codes.collect();
        if is_any_less {
            return None;
        }
        let below = std::iter::once(self.least);
        Some((
            self.bounds[..inner].iter().copied().chain(below).collect(),
            codes,
        ))
    }

    fn new(start: f64, end: f64, count: usize, grows: bool) -> Self {
        let bounds = bounds(start, end, count, grows);
        let least_bits = start.to_bits() >> ALIKE_SHIFT;
        let mut bins = Self {
            least: start,
            bounds,
            first: Vec::new(),
            least_bits,
        };
        if start > 0.0 {
            let greatest = (end.to_bits() >> ALIKE_SHIFT).min(least_bits.saturating_add(ALIKE_MAX));
            let first = (least_bits..=greatest).map(|bits| {
                let bin = bins.searched(f64::from_bits(bits << ALIKE_SHIFT));
                u16::try_from(bin).unwrap_or_default()
            });
            bins.first = first.collect();
        }
        bins
    }

    /// The bin of a value; nothing below the first.
    fn of(&self, value: f64) -> Option<usize> {
        if value < self.bounds[0] {
            return None;
        }
        let bits = (value.to_bits() >> ALIKE_SHIFT).wrapping_sub(self.least_bits);
        let Some(first) = self.first.get(usize::try_from(bits).unwrap_or(usize::MAX)) else {
            return Some(self.searched(value));
        };
        let inner = &self.bounds[1..self.bounds.len() - 1];
        let mut bin = usize::from(*first);
        while inner.get(bin).is_some_and(|bound| *bound <= value) {
            bin += 1;
        }
        Some(bin)
    }

    fn searched(&self, value: f64) -> usize {
        let above = self.bounds.partition_point(|bound| *bound <= value);
        above.clamp(1, self.bounds.len() - 1) - 1
    }
}

/// Where bins start, and the end of the last.
#[expect(clippy::cast_precision_loss, reason = "few bins")]
fn bounds(start: f64, end: f64, count: usize, grows: bool) -> Vec<f64> {
    let at = |index: usize| {
        let share = index as f64 / count as f64;
        if index == count {
            end
        } else if grows {
            start * (end / start).powf(share)
        } else {
            start + (end - start) * share
        }
    };
    (0..=count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Bins;

    proptest! {
        #[test]
        fn a_value_is_in_the_bin_whose_bounds_are_around_it(
            start in -1e3..1e6f64, reach in 0.0..1e12f64, count in 1usize..300, grows: bool, share in -0.1..1.1f64,
        ) {
            let start = if grows { start.abs() + 1e-3 } else { start };
            let bins = Bins::new(start, start + reach, count, grows);
            let value = start + reach * share.powi(3);
            let found = bins.of(value);
            prop_assert_eq!(found.is_none(), value < start);
            if let Some(bin) = found {
                prop_assert_eq!(bin, bins.searched(value));
            }
            for (bin, bound) in bins.bounds[..count].iter().enumerate() {
                prop_assert!(bins.of(*bound).is_some_and(|of| bins.bounds[of] == bins.bounds[bin]));
            }
        }
    }
}
