//! The order of a table's rows.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, Rows, SortField};
use crawlspace_model::Table;

use crate::error::Error;

/// Makes of rows what compares as they do.
pub(crate) struct RowOrder {
    converter: RowConverter,
    /// The places of the columns that rows are sorted by.
    places: Vec<usize>,
}

impl RowOrder {
    /// For batches of that schema.
    ///
    /// # Errors
    /// Only for columns of types that have no order.
    pub fn new(table: Table, schema: &Schema) -> Result<Self, Error> {
        let places = table.sort_columns().iter();
        let places: Vec<usize> = places
            .filter_map(|name| schema.index_of(name).ok())
            .collect();
        let fields = places
            .iter()
            .map(|place| SortField::new(schema.field(*place).data_type().clone()));
        Ok(Self {
            converter: RowConverter::new(fields.collect())?,
            places,
        })
    }

    /// # Errors
    /// The batch is of another schema.
    pub fn keys(&self, batch: &RecordBatch) -> Result<Rows, Error> {
        let columns = self.places.iter();
        let columns: Vec<ArrayRef> = columns
            .map(|place| ArrayRef::clone(batch.column(*place)))
            .collect();
        Ok(self.converter.convert_columns(&columns)?)
    }
}
