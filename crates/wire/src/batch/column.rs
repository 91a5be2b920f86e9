//! One growing column of a batch. Rows without a value are null.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, Float64Builder, ListBuilder, PrimitiveArray,
    StringBuilder, UInt64Builder,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, FieldRef, Float64Type, Int32Type, Int64Type,
    TimestampNanosecondType, UInt64Type,
};

use super::cells::{Bits, Cells, Slices};
use super::dictionary::Dictionary;

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

pub(super) struct Column {
    /// The row after the last one with a value.
    end: usize,
    values: Values,
}

/// One for each type that the tables have.
enum Values {
    Time(Cells<i64>),
    Int(Cells<i64>),
    Int32(Cells<i32>),
    Unsigned(Cells<u64>),
    Double(Cells<f64>),
    Bool { values: Bits, valid: Bits },
    Bytes(Slices),
    Text(Dictionary),
    PlainText(StringBuilder),
    Doubles(ListBuilder<Float64Builder>),
    UnsignedList(ListBuilder<UInt64Builder>),
}

impl Column {
    /// # Panics
    /// For a type that no table has.
    pub(super) fn new(data_type: &DataType) -> Self {
        let values = match data_type {
            DataType::Timestamp(..) => Values::Time(Cells::default()),
            DataType::Int64 => Values::Int(Cells::default()),
            DataType::Int32 => Values::Int32(Cells::default()),
            DataType::UInt64 => Values::Unsigned(Cells::default()),
            DataType::Float64 => Values::Double(Cells::default()),
            DataType::Boolean => Values::Bool {
                values: Bits::default(),
                valid: Bits::default(),
            },
            DataType::FixedSizeBinary(width) => {
                Values::Bytes(Slices::new(width.unsigned_abs() as usize))
            }
            DataType::Dictionary(..) => Values::Text(Dictionary::new()),
            DataType::Utf8 => Values::PlainText(StringBuilder::with_capacity(0, 0)),
            DataType::List(element) => Values::list(element),
            other => unreachable!("no column is of type {other}"),
        };
        Self { end: 0, values }
    }

    /// The row after the last one with a value.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Puts `cell` into row `row`, which is none before [`end`](Self::end). False, and nothing done, when the cell is
    /// not of the column's type. When there is no room for it, so many rows are expected.
    pub(super) fn put(&mut self, row: usize, cell: Cell<'_>, room: usize) -> bool {
        match (&mut self.values, cell) {
            (Values::Time(cells), Cell::Time(number)) => cells.put(row, number, room),
            (Values::Int(cells), Cell::Int(number)) => cells.put(row, number, room),
            (Values::Int32(cells), Cell::Int32(number)) => cells.put(row, number, room),
            (Values::Unsigned(cells), Cell::Unsigned(number)) => cells.put(row, number, room),
            (Values::Double(cells), Cell::Double(number)) => cells.put(row, number, room),
            (Values::Bool { values, valid }, Cell::Bool(flag)) => {
                if flag {
                    values.set(row, room);
                }
                valid.set(row, room);
            }
            (Values::Bytes(slices), Cell::Bytes(bytes)) => slices.put(row, bytes, room),
            (Values::Text(texts), Cell::Text(text) | Cell::Json(text)) => {
                texts.put(row, text, room)
            }
            (Values::PlainText(builder), Cell::Text(text) | Cell::Json(text)) => {
                builder.append_nulls(row - self.end);
                builder.append_value(text);
            }
            (Values::Doubles(builder), Cell::Doubles(numbers)) => {
                builder.append_nulls(row - self.end);
                builder.values().append_slice(numbers);
                builder.append(true);
            }
            (Values::UnsignedList(builder), Cell::UnsignedList(numbers)) => {
                builder.append_nulls(row - self.end);
                builder.values().append_slice(numbers);
                builder.append(true);
            }
            _ => return false,
        }
        self.end = row + 1;
        true
    }

    /// The code of a text that the column has.
    #[inline]
    pub(super) fn find_text(&self, text: &[u8]) -> Option<i32> {
        match &self.values {
            Values::Text(texts) => texts.find(text).ok(),
            _ => None,
        }
    }

    /// Like [`put`](Self::put), with the code of a text that was found.
    #[inline]
    pub(super) fn put_known(&mut self, row: usize, code: i32, room: usize) {
        if let Values::Text(texts) = &mut self.values {
            texts.put_code(row, code, room);
            self.end = row + 1;
        }
    }

    /// Gives `rows`, none of them before [`end`](Self::end), the value of `row`.
    ///
    /// # Panics
    /// For types that no attribute and no column of the origin has.
    pub(super) fn repeat(&mut self, row: usize, rows: Range<usize>) {
        let end = rows.end;
        match &mut self.values {
            Values::Int(cells) => cells.repeat(row, rows),
            Values::Double(cells) => cells.repeat(row, rows),
            Values::Bool { values, valid } => {
                values.repeat(row, rows.clone());
                valid.repeat(row, rows);
            }
            Values::Text(texts) => texts.repeat(row, rows),
            _ => unreachable!("only attributes and texts repeat"),
        }
        self.end = end;
    }

    pub(super) fn finish(self, rows: usize) -> ArrayRef {
        let missing = rows - self.end;
        let mut array: ArrayRef = match self.values {
            Values::Time(cells) => primitive::<TimestampNanosecondType>(cells, rows),
            Values::Int(cells) => primitive::<Int64Type>(cells, rows),
            Values::Int32(cells) => primitive::<Int32Type>(cells, rows),
            Values::Unsigned(cells) => primitive::<UInt64Type>(cells, rows),
            Values::Double(cells) => primitive::<Float64Type>(cells, rows),
            Values::Bool { values, valid } => Arc::new(BooleanArray::new(
                values.finish(rows),
                valid.finish_validity(rows),
            )),
            Values::Bytes(slices) => {
                let width = i32::try_from(slices.width()).expect("ids are short");
                let (bytes, valid) = slices.finish(rows);
                Arc::new(FixedSizeBinaryArray::new(width, bytes, valid))
            }
            Values::Text(texts) => texts.finish(rows),
            Values::PlainText(mut builder) => {
                builder.append_nulls(missing);
                Arc::new(builder.finish())
            }
            Values::Doubles(mut builder) => {
                builder.append_nulls(missing);
                Arc::new(builder.finish())
            }
            Values::UnsignedList(mut builder) => {
                builder.append_nulls(missing);
                Arc::new(builder.finish())
            }
        };
        if let Some(array) = Arc::get_mut(&mut array) {
            array.shrink_to_fit();
        }
        array
    }
}

impl Values {
    fn list(element: &FieldRef) -> Self {
        if *element.data_type() == DataType::Float64 {
            Self::Doubles(ListBuilder::new(Float64Builder::new()).with_field(element.clone()))
        } else {
            Self::UnsignedList(ListBuilder::new(UInt64Builder::new()).with_field(element.clone()))
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(cells: Cells<T::Native>, rows: usize) -> ArrayRef {
    let (values, valid) = cells.finish(rows);
    Arc::new(PrimitiveArray::<T>::new(values, valid))
}

#[cfg(test)]
mod tests;
