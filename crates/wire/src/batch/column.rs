//! One growing column of a batch. Absent values are padded when the next value or the end comes.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, Float64Builder, Int32Builder,
    Int64Builder, ListBuilder, StringBuilder, StringDictionaryBuilder, TimestampNanosecondBuilder,
    UInt64Builder,
};
use arrow::datatypes::{DataType, FieldRef, Int32Type};

/// One value for a column of its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    Int(i64),
    Int32(i32),
    Unsigned(u64),
    Double(f64),
    Bool(bool),
    /// Exactly as many bytes as the column is wide.
    Bytes(&'a [u8]),
    /// Cut at [`super::TEXT_BYTES_MAX`].
    Text(&'a str),
    /// Text for programs, never cut.
    Json(&'a str),
    Doubles(&'a [f64]),
    UnsignedList(&'a [u64]),
}

/// A builder for each type that the tables have.
pub(super) enum Column {
    Time(TimestampNanosecondBuilder),
    Int(Int64Builder),
    Int32(Int32Builder),
    Unsigned(UInt64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    Bytes(FixedSizeBinaryBuilder),
    Text(StringDictionaryBuilder<Int32Type>),
    PlainText(StringBuilder),
    Doubles(ListBuilder<Float64Builder>),
    UnsignedList(ListBuilder<UInt64Builder>),
}

macro_rules! each_builder {
    ($column:expr, $builder:ident => $body:expr) => {
        match $column {
            Column::Time($builder) => $body,
            Column::Int($builder) => $body,
            Column::Int32($builder) => $body,
            Column::Unsigned($builder) => $body,
            Column::Double($builder) => $body,
            Column::Bool($builder) => $body,
            Column::Bytes($builder) => $body,
            Column::Text($builder) => $body,
            Column::PlainText($builder) => $body,
            Column::Doubles($builder) => $body,
            Column::UnsignedList($builder) => $body,
        }
    };
}

impl Column {
    /// # Panics
    /// For a type that no table has.
    pub(super) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Timestamp(..) => Self::Time(TimestampNanosecondBuilder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::UInt64 => Self::Unsigned(UInt64Builder::new()),
            DataType::Float64 => Self::Double(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::FixedSizeBinary(width) => Self::Bytes(FixedSizeBinaryBuilder::new(*width)),
            DataType::Dictionary(..) => Self::Text(StringDictionaryBuilder::new()),
            DataType::Utf8 => Self::PlainText(StringBuilder::new()),
            DataType::List(element) => Self::list(element),
            other => unreachable!("no column is of type {other}"),
        }
    }

    fn list(element: &FieldRef) -> Self {
        if *element.data_type() == DataType::Float64 {
            Self::Doubles(ListBuilder::new(Float64Builder::new()).with_field(element.clone()))
        } else {
            Self::UnsignedList(ListBuilder::new(UInt64Builder::new()).with_field(element.clone()))
        }
    }

    pub(super) fn len(&self) -> usize {
        each_builder!(self, builder => builder.len())
    }

    fn pad(&mut self, rows: usize) {
        let missing = rows - self.len();
        if missing > 0 {
            each_builder!(self, builder => builder.append_nulls(missing));
        }
    }

    /// Puts `cell` into row `row`, the first one without a value or a later one. False, and nothing
    /// done, when the cell is not of the column's type.
    pub(super) fn put(&mut self, row: usize, cell: Cell<'_>) -> bool {
        self.pad(row);
        match (self, cell) {
            (Self::Time(builder), Cell::Time(nanos)) => builder.append_value(nanos),
            (Self::Int(builder), Cell::Int(number)) => builder.append_value(number),
            (Self::Int32(builder), Cell::Int32(number)) => builder.append_value(number),
            (Self::Unsigned(builder), Cell::Unsigned(number)) => builder.append_value(number),
            (Self::Double(builder), Cell::Double(number)) => builder.append_value(number),
            (Self::Bool(builder), Cell::Bool(flag)) => builder.append_value(flag),
            (Self::Bytes(builder), Cell::Bytes(bytes)) => {
                builder
                    .append_value(bytes)
                    .expect("the bytes are as wide as the column");
            }
            (Self::Text(builder), Cell::Text(text) | Cell::Json(text)) => {
                builder.append_value(text);
            }
            (Self::PlainText(builder), Cell::Text(text) | Cell::Json(text)) => {
                builder.append_value(text);
            }
            (Self::Doubles(builder), Cell::Doubles(numbers)) => {
                builder.values().append_slice(numbers);
                builder.append(true);
            }
            (Self::UnsignedList(builder), Cell::UnsignedList(numbers)) => {
                builder.values().append_slice(numbers);
                builder.append(true);
            }
            _ => return false,
        }
        true
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.pad(rows);
        each_builder!(&mut self, builder => Arc::new(builder.finish()))
    }
}
