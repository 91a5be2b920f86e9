//! `percentile(value, fraction [, weight])`: the exact nearest-rank percentile. The value at rank ⌈fraction · n⌉ of the
//! sorted values, or with weights the first value at which the running weight reaches fraction · total.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile {
    signature: Signature,
}

impl Default for Percentile {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &'static str {
        "percentile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !matches!(types.len(), 2 | 3) {
            return plan_err!(
                "percentile() takes a value and a fraction, as in percentile(duration_ns, 0.99)"
            );
        }
        let value = match &types[0] {
            DataType::Int64
            | DataType::Int32
            | DataType::Int16
            | DataType::Int8
            | DataType::UInt32 => DataType::Int64,
            value if value.is_numeric() || value.is_null() => DataType::Float64,
            other => {
                return plan_err!(
                    "percentile() takes a number, not {other}: cast with TRY_CAST(… AS DOUBLE)"
                );
            }
        };
        Ok(std::iter::once(value)
            .chain(types[1..].iter().map(|_| DataType::Float64))
            .collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let fraction = args.exprs[1]
            .downcast_ref::<Literal>()
            .map(|literal| literal.value().clone());
        let Some(ScalarValue::Float64(Some(fraction))) = fraction else {
            return plan_err!(
                "the fraction of percentile() has to be a constant, as in percentile(duration_ns, 0.99)"
            );
        };
        if !(0.0..=1.0).contains(&fraction) {
            return plan_err!(
                "the fraction of percentile() has to be between 0 and 1, not {fraction}"
            );
        }
        let is_integer = args.return_field.data_type() == &DataType::Int64;
        Ok(Box::new(Values {
            fraction,
            is_integer,
            keys: Vec::new(),
            weights: Vec::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |name: &str, item: DataType| {
            let item = Arc::new(Field::new_list_field(item, true));
            Arc::new(Field::new(
                format!("{}[{name}]", args.name),
                DataType::List(item),
                true,
            ))
        };
        Ok(vec![
            list("keys", DataType::UInt64),
            list("weights", DataType::Float64),
        ])
    }
}

/// All values of one group, as keys that order as the values do.
#[derive(Debug)]
struct Values {
    fraction: f64,
    is_integer: bool,
    keys: Vec<u64>,
    /// One for each key, or none at all when no weight was given.
    weights: Vec<f64>,
}

const SIGN: u64 = 1 << 63;

pub(crate) fn key_of_integer(value: i64) -> u64 {
    value.cast_unsigned() ^ SIGN
}

pub(crate) fn integer_of_key(key: u64) -> i64 {
    (key ^ SIGN).cast_signed()
}

/// IEEE 754 total order: for negative numbers, larger bits are smaller values.
pub(crate) fn key_of_double(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

pub(crate) fn double_of_key(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

/// The place of the nearest rank among so many in their order; nothing among none.
pub(crate) fn nearest_rank(count: usize, fraction: f64) -> Option<usize> {
    let last = count.checked_sub(1)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the count"
    )]
    let rank = (fraction * count as f64).ceil() as usize;
    Some(rank.saturating_sub(1).min(last))
}

impl Values {
    fn selected(&mut self) -> Option<u64> {
        if self.weights.is_empty() {
            let rank = nearest_rank(self.keys.len(), self.fraction)?;
            let (_, key, _) = self.keys.select_nth_unstable(rank);
            return Some(*key);
        }
        let mut pairs: Vec<(u64, f64)> = self
            .keys
            .iter()
            .copied()
            .zip(self.weights.iter().copied())
            .collect();
        pairs.sort_by_key(|(key, _)| *key);
        let threshold = self.fraction * pairs.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut running = 0.0;
        let reached = pairs.iter().find(|(_, weight)| {
            running += weight;
            running >= threshold
        });
        reached.or(pairs.last()).map(|(key, _)| *key)
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let valid: Vec<usize> = (0..values[0].len())
            .filter(|row| values[0].is_valid(*row))
            .collect();
        if self.is_integer {
            let integers = values[0].as_primitive::<Int64Type>();
            self.keys
                .extend(valid.iter().map(|row| key_of_integer(integers.value(*row))));
        } else {
            let doubles = values[0].as_primitive::<Float64Type>();
            self.keys
                .extend(valid.iter().map(|row| key_of_double(doubles.value(*row))));
        }
        if let Some(weights) = values.get(2) {
            let weights = weights.as_primitive::<Float64Type>();
            self.weights.extend(valid.iter().map(|row| {
                if weights.is_valid(*row) {
                    weights.value(*row)
                } else {
                    1.0
                }
            }));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let selected = self.selected();
        Ok(if self.is_integer {
            ScalarValue::Int64(selected.map(integer_of_key))
        } else {
            ScalarValue::Float64(selected.map(double_of_key))
        })
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.keys.capacity() * size_of::<u64>()
            + self.weights.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let keys = Arc::new(UInt64Array::from(std::mem::take(&mut self.keys)));
        let weights = Arc::new(Float64Array::from(std::mem::take(&mut self.weights)));
        Ok(vec![list_of_one(keys)?, list_of_one(weights)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (Some(keys), Some(weights)) = (
            states[0].as_list_opt::<i32>(),
            states[1].as_list_opt::<i32>(),
        ) else {
            return exec_err!("percentile() was given a state that is not its own");
        };
        for row in 0..keys.len() {
            self.keys
                .extend_from_slice(keys.value(row).as_primitive::<UInt64Type>().values());
            self.weights
                .extend_from_slice(weights.value(row).as_primitive::<Float64Type>().values());
        }
        Ok(())
    }
}

fn list_of_one(items: ArrayRef) -> Result<ScalarValue> {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([items.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(
        field, offsets, items, None,
    )?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::Accumulator;
    use proptest::prelude::*;

    use super::{Values, double_of_key, key_of_double, key_of_integer};

    fn values(fraction: f64, is_integer: bool) -> Values {
        Values {
            fraction,
            is_integer,
            keys: Vec::new(),
            weights: Vec::new(),
        }
    }

    #[test]
    fn nearest_rank_of_known_values() {
        // The textbook example of the nearest-rank method: ranks 1, 2, 2, 3 and 5.
        for (fraction, expected) in [(0.05, 15), (0.3, 20), (0.4, 20), (0.5, 35), (1.0, 50)] {
            let mut values = values(fraction, true);
            let column: ArrayRef = Arc::new(Int64Array::from(vec![35, 20, 15, 50, 40]));
            values.update_batch(&[column]).unwrap();
            assert_eq!(
                values.evaluate().unwrap(),
                ScalarValue::Int64(Some(expected)),
                "{fraction}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_weight_counts_as_so_many_values(rows in prop::collection::vec((any::<i32>(), 1u8..5), 1..50), fraction in 0.0f64..=1.0) {
            let mut weighted = values(fraction, true);
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(value, _)| i64::from(*value))));
            let unused: ArrayRef = Arc::new(Float64Array::from(vec![fraction; rows.len()]));
            let weights: ArrayRef = Arc::new(Float64Array::from_iter_values(rows.iter().map(|(_, weight)| f64::from(*weight))));
            weighted.update_batch(&[column, unused, weights]).unwrap();
            let mut repeated: Vec<i64> =
                rows.iter().flat_map(|(value, weight)| std::iter::repeat_n(i64::from(*value), usize::from(*weight))).collect();
            repeated.sort_unstable();
            let total = repeated.len() as f64;
            let rank = (1..=repeated.len()).find(|rank| *rank as f64 >= fraction * total).unwrap_or(repeated.len());
            prop_assert_eq!(weighted.evaluate().unwrap(), ScalarValue::Int64(Some(repeated[rank - 1])));
        }

        #[test]
        fn keys_order_as_values_do(a: f64, b: f64, c: i64, d: i64) {
            prop_assert_eq!(key_of_double(a).cmp(&key_of_double(b)), a.total_cmp(&b));
            prop_assert_eq!(key_of_integer(c).cmp(&key_of_integer(d)), c.cmp(&d));
            prop_assert_eq!(double_of_key(key_of_double(a)).to_bits(), a.to_bits());
        }

        #[test]
        fn split_states_merge_to_the_same(all in prop::collection::vec(any::<f64>(), 1..50), cut in 0usize..50, fraction in 0.0f64..=1.0) {
            let column = |part: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(part.to_vec())) };
            let (left, right) = all.split_at(cut.min(all.len()));
            let mut whole = values(fraction, false);
            whole.update_batch(&[column(&all)]).unwrap();
            let mut merged = values(fraction, false);
            for part in [left, right] {
                let mut one = values(fraction, false);
                one.update_batch(&[column(part)]).unwrap();
                let state: Vec<ArrayRef> = one.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
                merged.merge_batch(&state).unwrap();
            }
            prop_assert_eq!(merged.selected(), whole.selected());
        }
    }
}
