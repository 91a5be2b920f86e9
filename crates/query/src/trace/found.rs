//! A column of a batch, found once by its name and read row by row.

use arrow::array::{
    Array, ArrayAccessor, FixedSizeBinaryArray, RecordBatch, StringViewArray,
    TimestampNanosecondArray,
};
use crawlspace_model::id::hex;

/// One that is absent, or has another type, has no values.
pub(super) struct Found<'a, A>(Option<&'a A>);

pub(super) type Texts<'a> = Found<'a, StringViewArray>;
pub(super) type Ids<'a> = Found<'a, FixedSizeBinaryArray>;
pub(super) type Times<'a> = Found<'a, TimestampNanosecondArray>;

impl<'a, A: Array + 'static> Found<'a, A> {
    pub fn new(rows: &'a RecordBatch, name: &str) -> Self {
        let column = rows.column_by_name(name);
        Self(column.and_then(|column| column.as_any().downcast_ref()))
    }

    /// The column itself, where the row has a value.
    pub fn column(&self, row: usize) -> Option<&'a A> {
        self.0.filter(|column| column.is_valid(row))
    }

    pub fn at(&self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item>
    where
        &'a A: ArrayAccessor,
    {
        Some(self.column(row)?.value(row))
    }
}

impl Texts<'_> {
    pub fn text(&self, row: usize) -> Option<String> {
        self.at(row).map(str::to_owned)
    }
}

impl Ids<'_> {
    pub fn text(&self, row: usize) -> Option<String> {
        self.at(row).map(hex)
    }
}

impl Times<'_> {
    /// Zero without one.
    pub fn nanos(&self, row: usize) -> i64 {
        self.at(row).unwrap_or_default()
    }
}
