//! `histogram_increase(…) OVER (PARTITION BY <series> ORDER BY time)`: what each point of a histogram adds, as buckets; and
//! `histogram_percentile(buckets, fraction)` over them, which merges series of any layout. A list of buckets has three
//! numbers for each: its lower bound, its upper bound, and its count.

mod percentile;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int32Type, UInt64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDFImpl,
};
use datafusion::physical_plan::PhysicalExpr;

use super::increase::{Adds, Series, TIME};
pub(super) use percentile::percentiles;

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HistogramIncrease {
    signature: Signature,
}

impl Default for HistogramIncrease {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl WindowUDFImpl for HistogramIncrease {
    fn name(&self) -> &'static str {
        "histogram_increase"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let counts = || list(DataType::UInt64);
        let wanted = [
            TIME,
            TIME,
            DataType::Utf8View,
            list(DataType::Float64),
            counts(),
            DataType::Int32,
            DataType::UInt64,
            DataType::Float64,
            DataType::Int32,
            counts(),
            DataType::Int32,
            counts(),
            TIME,
        ];
        if !matches!(types.len(), 12 | 13) {
            return plan_err!(
                "histogram_increase() takes time, start_time, temporality, bounds, bucket_counts, scale, zero_count, \
                 zero_threshold, positive_offset, positive_counts, negative_offset and negative_counts"
            );
        }
        Ok(wanted[..types.len()].to_vec())
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Points))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(
            args.name(),
            list(DataType::Float64),
            true,
        )))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

#[derive(Debug)]
struct Points;

impl PartitionEvaluator for Points {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let mut series = Series::new(&values[0], &values[1], &values[2], values.get(12));
        let mut before: Option<Histogram> = None;
        let mut increases = ListBuilder::new(Float64Builder::new());
        for row in 0..rows {
            let Some(point) = Histogram::read(values, row) else {
                increases.append_null();
                continue;
            };
            let difference = before.as_ref().and_then(|before| point.minus(before));
            let has_fallen = before.is_some() && difference.is_none();
            let added = match series.next(row, has_fallen) {
                Adds::Nothing => None,
                Adds::All => Some(point.clone()),
                Adds::Difference => difference,
            };
            for number in added.iter().flat_map(Histogram::buckets).flatten() {
                increases.values().append_value(number);
            }
            increases.append(added.is_some());
            before = Some(point);
        }
        Ok(Arc::new(increases.finish()))
    }
}

/// A histogram as OTLP has them.
#[derive(Debug, Clone, PartialEq)]
enum Histogram {
    Explicit {
        bounds: Vec<f64>,
        counts: Vec<u64>,
    },
    /// Bucket `i` of scale `s` is from `2^(i·2^-s)` to `2^((i+1)·2^-s)`.
    Exponential {
        scale: i32,
        zero_count: u64,
        zero_threshold: f64,
        positive: BTreeMap<i64, u64>,
        negative: BTreeMap<i64, u64>,
    },
}

impl Histogram {
    fn read(values: &[ArrayRef], row: usize) -> Option<Self> {
        let counts = |column: usize| {
            let lists = values[column].as_list::<i32>();
            lists.is_valid(row).then(|| {
                let counts = lists.value(row);
                let counts = counts.as_primitive::<UInt64Type>();
                counts
                    .iter()
                    .map(Option::unwrap_or_default)
                    .collect::<Vec<u64>>()
            })
        };
        let int = |column: usize| {
            let numbers = values[column].as_primitive::<Int32Type>();
            numbers.is_valid(row).then(|| numbers.value(row))
        };
        if let Some(scale) = int(5) {
            let side = |offset: usize, column: usize| {
                let first = i64::from(int(offset).unwrap_or_default());
                let counts = counts(column).unwrap_or_default();
                let counts = (first..).zip(counts).filter(|(_, count)| *count > 0);
                counts.collect::<BTreeMap<i64, u64>>()
            };
            let zeros = values[6].as_primitive::<UInt64Type>();
            let thresholds = values[7].as_primitive::<Float64Type>();
            return Some(Self::Exponential {
                scale,
                zero_count: if zeros.is_valid(row) {
                    zeros.value(row)
                } else {
                    0
                },
                zero_threshold: if thresholds.is_valid(row) {
                    thresholds.value(row)
                } else {
                    0.0
                },
                positive: side(8, 9),
                negative: side(10, 11),
            });
        }
        let counts = counts(4)?;
        let bounds = values[3].as_list::<i32>();
        let bounds = if bounds.is_valid(row) {
            let bounds = bounds.value(row);
            bounds.as_primitive::<Float64Type>().values().to_vec()
        } else {
            Vec::new()
        };
        (counts.len() == bounds.len() + 1).then_some(Self::Explicit { bounds, counts })
    }

    /// What came since `before`; `None` if that can't be what came before.
    fn minus(&self, before: &Self) -> Option<Self> {
        match (self, before) {
            (
                Self::Explicit { bounds, counts },
                Self::Explicit {
                    bounds: old,
                    counts: fewer,
                },
            ) => {
                let pairs = counts.iter().zip(fewer);
                let counts = pairs.map(|(count, fewer)| count.checked_sub(*fewer));
                let counts = counts.collect::<Option<Vec<u64>>>()?;
                (bounds == old).then(|| Self::Explicit {
                    bounds: bounds.clone(),
                    counts,
                })
            }
            (Self::Exponential { scale, .. }, Self::Exponential { scale: old, .. }) => {
                let scale = *scale.min(old);
                self.rescaled(scale).minus_of_scale(&before.rescaled(scale))
            }
            _ => None,
        }
    }

    fn minus_of_scale(self, before: &Self) -> Option<Self> {
        let (
            Self::Exponential {
                scale,
                zero_count,
                zero_threshold,
                mut positive,
                mut negative,
            },
            Self::Exponential {
                zero_count: zeros,
                zero_threshold: threshold,
                positive: above,
                negative: below,
                ..
            },
        ) = (self, before)
        else {
            return None;
        };
        // With a larger threshold, buckets near zero have moved into its count.
        let is_wider = zero_threshold > *threshold;
        let subtract = |counts: &mut BTreeMap<i64, u64>, fewer: &BTreeMap<i64, u64>| {
            fewer.iter().all(|(index, fewer)| {
                let count = counts.entry(*index).or_default();
                let left = count.checked_sub(*fewer);
                *count = left.unwrap_or_default();
                left.is_some() || (is_wider && bound(*index, scale) < zero_threshold)
            })
        };
        if !subtract(&mut positive, above) || !subtract(&mut negative, below) {
            return None;
        }
        Some(Self::Exponential {
            scale,
            zero_count: zero_count.checked_sub(*zeros)?,
            zero_threshold,
            positive,
            negative,
        })
    }

    /// With buckets that are each two, four … of those before.
    fn rescaled(&self, to: i32) -> Self {
        let mut rescaled = self.clone();
        if let Self::Exponential {
            scale,
            positive,
            negative,
            ..
        } = &mut rescaled
        {
            let shift = (i64::from(*scale) - i64::from(to)).clamp(0, 63);
            for counts in [positive, negative] {
                let mut merged = BTreeMap::new();
                for (index, count) in &*counts {
                    let sum: &mut u64 = merged.entry(index >> shift).or_default();
                    *sum = sum.saturating_add(*count);
                }
                *counts = merged;
            }
            *scale = to.min(*scale);
        }
        rescaled
    }

    /// Lower bound, upper bound and count of each bucket that has something.
    #[expect(clippy::cast_precision_loss, reason = "counts as doubles")]
    fn buckets(&self) -> Vec<[f64; 3]> {
        let all: Vec<(f64, f64, u64)> = match self {
            Self::Explicit { bounds, counts } => {
                let lower = std::iter::once(f64::NEG_INFINITY).chain(bounds.iter().copied());
                let upper = bounds.iter().copied().chain([f64::INFINITY]);
                let buckets = lower.zip(upper).zip(counts);
                buckets
                    .map(|((lower, upper), count)| (lower, upper, *count))
                    .collect()
            }
            Self::Exponential {
                scale,
                zero_count,
                zero_threshold,
                positive,
                negative,
            } => {
                let bounds = |index: i64| (bound(index, *scale), bound(index + 1, *scale));
                let negative = negative.iter().rev().map(|(index, count)| {
                    let (lower, upper) = bounds(*index);
                    (-upper, -lower, *count)
                });
                let positive = positive.iter().map(|(index, count)| {
                    let (lower, upper) = bounds(*index);
                    (lower, upper, *count)
                });
                let zero = (-zero_threshold, *zero_threshold, *zero_count);
                negative.chain([zero]).chain(positive).collect()
            }
        };
        let there = all.into_iter().filter(|(_, _, count)| *count > 0);
        there
            .map(|(lower, upper, count)| [lower, upper, count as f64])
            .collect()
    }
}

/// The lower bound of a bucket of an exponential histogram.
#[expect(clippy::cast_precision_loss, reason = "indexes have 32 bits")]
fn bound(index: i64, scale: i32) -> f64 {
    (index as f64 * (-f64::from(scale)).exp2()).exp2()
}

#[cfg(test)]
mod tests;
