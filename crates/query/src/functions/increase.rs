//! `increase(value, time, start_time, temporality [, since]) OVER (PARTITION BY <series> ORDER BY time)`: what each point
//! of a counter adds. Differences between neighbours, nothing extrapolated, so what neighbouring times have adds up to
//! what both have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, TimeUnit, TimestampNanosecondType};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDFImpl,
};
use datafusion::physical_plan::PhysicalExpr;

pub(super) const TIME: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Increase {
    signature: Signature,
}

impl Default for Increase {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl WindowUDFImpl for Increase {
    fn name(&self) -> &'static str {
        "increase"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !matches!(types.len(), 4 | 5) {
            return plan_err!("increase() takes value, time, start_time and temporality");
        }
        let wanted = [DataType::Float64, TIME, TIME, DataType::Utf8View, TIME];
        Ok(wanted[..types.len()].to_vec())
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Counter))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Float64, true)))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

#[derive(Debug)]
struct Counter;

impl PartitionEvaluator for Counter {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let numbers = values[0].as_primitive::<Float64Type>();
        let mut series = Series::new(&values[1], &values[2], &values[3], values.get(4));
        let mut before = 0.0;
        let increases = (0..rows).map(|row| {
            let value = numbers.is_valid(row).then(|| numbers.value(row))?;
            let adds = series.next(row, value < before);
            let last = std::mem::replace(&mut before, value);
            match adds {
                Adds::Nothing => None,
                Adds::All => Some(value),
                Adds::Difference => Some(value - last),
            }
        });
        Ok(Arc::new(increases.collect::<Float64Array>()))
    }
}

/// What a point adds to its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adds {
    Nothing,
    /// All that it counts: it counts from its own start.
    All,
    /// What it counts beyond the point before it.
    Difference,
}

/// The points of one series by time.
pub(super) struct Series<'a> {
    time: &'a arrow::array::TimestampNanosecondArray,
    start: &'a arrow::array::TimestampNanosecondArray,
    temporality: &'a arrow::array::StringViewArray,
    /// From when on points were looked for: what started before may have had earlier ones.
    since: Option<i64>,
    before: Option<(i64, Option<i64>)>,
}

impl<'a> Series<'a> {
    pub(super) fn new(
        time: &'a ArrayRef,
        start: &'a ArrayRef,
        temporality: &'a ArrayRef,
        since: Option<&'a ArrayRef>,
    ) -> Self {
        let since = since.map(|since| since.as_primitive::<TimestampNanosecondType>());
        Self {
            time: time.as_primitive(),
            start: start.as_primitive(),
            temporality: temporality.as_string_view(),
            since: since.and_then(|since| since.iter().flatten().next()),
            before: None,
        }
    }

    /// What the point in `row` adds, the next one that has a value. A counter that has fallen was started anew.
    pub(super) fn next(&mut self, row: usize, has_fallen: bool) -> Adds {
        match self
            .temporality
            .is_valid(row)
            .then(|| self.temporality.value(row))
        {
            Some("delta") => return Adds::All,
            Some("cumulative") => {}
            _ => return Adds::Nothing,
        }
        let time = self.time.value(row);
        let start = self.start.is_valid(row).then(|| self.start.value(row));
        match self.before.replace((time, start)) {
            // A start that is the point's own time says that the true one is unknown.
            None => {
                let began = start.zip(self.since);
                if began.is_some_and(|(start, since)| start >= since && start < time) {
                    Adds::All
                } else {
                    Adds::Nothing
                }
            }
            Some((last, known)) => {
                let restarted = start
                    .zip(known)
                    .is_some_and(|(start, known)| start > known && start >= last);
                if has_fallen || restarted {
                    Adds::All
                } else {
                    Adds::Difference
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, AsArray, Float64Array, StringViewArray, TimestampNanosecondArray,
    };
    use arrow::datatypes::Float64Type;
    use datafusion::logical_expr::PartitionEvaluator;

    use super::Counter;

    /// Points as time, start and value; what each adds.
    fn check(what: &str, of: &str, points: &[(i64, Option<i64>, f64)], expected: &[Option<f64>]) {
        let value: ArrayRef = Arc::new(Float64Array::from_iter_values(points.iter().map(|p| p.2)));
        let time: ArrayRef = Arc::new(TimestampNanosecondArray::from_iter_values(
            points.iter().map(|p| p.0),
        ));
        let start: ArrayRef = Arc::new(
            points
                .iter()
                .map(|p| p.1)
                .collect::<TimestampNanosecondArray>(),
        );
        let of: ArrayRef = Arc::new(StringViewArray::from(vec![of; points.len()]));
        let since: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![100; points.len()]));
        let found = Counter
            .evaluate_all(&[value, time, start, of, since], points.len())
            .unwrap();
        let found: Vec<Option<f64>> = found.as_primitive::<Float64Type>().iter().collect();
        assert_eq!(found, expected, "{what}");
    }

    #[test]
    fn counters_add_what_they_went_up_by() {
        let n = None;
        check(
            "no start",
            "cumulative",
            &[(1, n, 5.0), (2, n, 7.0)],
            &[None, Some(2.0)],
        );
        check(
            "a fall",
            "cumulative",
            &[(1, n, 5.0), (2, n, 3.0)],
            &[None, Some(3.0)],
        );
        let new = [(110, Some(101), 5.0), (120, Some(101), 6.0)];
        check(
            "started in the window",
            "cumulative",
            &new,
            &[Some(5.0), Some(1.0)],
        );
        let old = [(110, Some(99), 5.0), (120, Some(99), 6.0)];
        check("started before it", "cumulative", &old, &[None, Some(1.0)]);
        let unknown = [(110, Some(110), 5.0), (120, Some(110), 6.0)];
        check(
            "its start is unknown",
            "cumulative",
            &unknown,
            &[None, Some(1.0)],
        );
        let again = [(110, Some(99), 5.0), (130, Some(115), 8.0)];
        check(
            "a start in between",
            "cumulative",
            &again,
            &[None, Some(8.0)],
        );
        let trembling = [(110, Some(99), 5.0), (130, Some(100), 8.0)];
        check(
            "a start that trembles",
            "cumulative",
            &trembling,
            &[None, Some(3.0)],
        );
        check(
            "deltas",
            "delta",
            &[(1, n, 5.0), (2, n, 3.0)],
            &[Some(5.0), Some(3.0)],
        );
        check("no counter", "", &[(1, n, 5.0), (2, n, 7.0)], &[None, None]);
    }
}
