//! Functions of ours in SQL: how stored columns read, percentiles, and what metrics add to their series.

mod bins;
mod histogram;
mod increase;
mod overflow;
mod percentile;
mod series;
mod span_id;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub(crate) use bins::{BIN_START, Bins};
pub(crate) use overflow::overflow_text;
pub(crate) use percentile::{
    double_of_key, integer_of_key, key_of_double, key_of_integer, nearest_rank,
};
pub(crate) use series::series_key;
pub(crate) use span_id::{hex_id, rewrite_id_comparison};

/// The scalar functions.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    let mut functions = vec![hex_id(), overflow_text()];
    functions.extend(bins::bins());
    functions
}

/// The aggregate functions.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let percentile = AggregateUDF::new_from_impl(percentile::Percentile::default());
    let mut functions = vec![Arc::new(percentile)];
    functions.extend(histogram::percentiles());
    functions
}

/// The functions over windows.
pub(crate) fn windows() -> Vec<Arc<WindowUDF>> {
    vec![
        Arc::new(WindowUDF::new_from_impl(increase::Increase::default())),
        Arc::new(WindowUDF::new_from_impl(
            histogram::HistogramIncrease::default(),
        )),
    ]
}
