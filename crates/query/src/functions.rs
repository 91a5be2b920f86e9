//! Functions of ours in SQL: how stored columns read, and exact percentiles.

mod overflow;
mod percentile;
mod span_id;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub(crate) use overflow::overflow_text;
pub(crate) use span_id::{hex_id, rewrite_id_comparison};

/// The scalar functions.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![hex_id(), overflow_text()]
}

/// The aggregate functions.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(AggregateUDF::new_from_impl(
        percentile::Percentile::default(),
    ))]
}
