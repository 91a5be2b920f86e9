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
        if self.gives_end {
            "bin_end"
        } else {
            "bin_start"
        }
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
        let Some(
            [
                ScalarValue::Float64(Some(least)),
                ScalarValue::Float64(Some(start)),
                ScalarValue::Float64(Some(end)),
                ScalarValue::Int64(Some(count)),
                ScalarValue::Boolean(Some(grows)),
            ],
        ) = constants.as_deref()
        else {
            return exec_err!("{}() takes a value and five constants", self.name());
        };
        let count = usize::try_from(*count).unwrap_or_default();
        if !(1..=BINS_MAX).contains(&count) || start > end || (*grows && *start <= 0.0) {
            return exec_err!(
                "{}() takes bounds in their order and 1 to {BINS_MAX} bins",
                self.name()
            );
        }
        let bounds = bounds(*start, *end, count, *grows);
        let values = args.args[0].to_array(args.number_rows)?;
        let bin = |value: f64| {
            if value < bounds[0] {
                return [least.min(value), bounds[0]];
            }
            let above = bounds.partition_point(|bound| *bound <= value);
            let bin = above.clamp(1, bounds.len() - 1) - 1;
            [bounds[bin], bounds[bin + 1]]
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
