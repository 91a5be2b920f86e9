//! Cells of rows, whichever of Arrow's types for the same thing a column has.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType,
    UInt64Type,
};
use arrow::record_batch::RecordBatch;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;

use super::value::any;

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) batch: &'a RecordBatch,
    pub(super) at: usize,
}

impl<'a> Row<'a> {
    pub(super) fn all(batches: &'a [RecordBatch]) -> impl Iterator<Item = Self> {
        let of_batch =
            |batch: &'a RecordBatch| (0..batch.num_rows()).map(move |at| Self { batch, at });
        batches.iter().flat_map(of_batch)
    }

    pub(super) fn column(self, name: &str) -> Option<&'a ArrayRef> {
        let column = self.batch.column_by_name(name)?;
        column.is_valid(self.at).then_some(column)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        text_at(self.column(name)?, self.at)
    }

    /// The text, empty for null.
    pub(super) fn owned_text(self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// An id, empty for null.
    pub(super) fn id(self, name: &str) -> Vec<u8> {
        let id = self
            .column(name)
            .and_then(|ids| ids.as_fixed_size_binary_opt());
        id.map_or_else(Vec::new, |ids| ids.value(self.at).to_vec())
    }

    /// Nanoseconds since 1970, 0 for null.
    pub(super) fn time(self, name: &str) -> u64 {
        let nanos = self.primitive::<TimestampNanosecondType>(name);
        nanos.unwrap_or_default().cast_unsigned()
    }

    pub(super) fn int(self, name: &str) -> Option<i64> {
        self.primitive::<Int64Type>(name)
    }

    pub(super) fn int32(self, name: &str) -> Option<i32> {
        self.primitive::<Int32Type>(name)
    }

    pub(super) fn unsigned(self, name: &str) -> Option<u64> {
        self.primitive::<UInt64Type>(name)
    }

    pub(super) fn double(self, name: &str) -> Option<f64> {
        self.primitive::<Float64Type>(name)
    }

    pub(super) fn bool(self, name: &str) -> Option<bool> {
        Some(self.column(name)?.as_boolean_opt()?.value(self.at))
    }

    /// The numbers of a list, none for null.
    pub(super) fn numbers<T: ArrowPrimitiveType>(self, name: &str) -> Vec<T::Native> {
        let list = self
            .column(name)
            .and_then(|lists| lists.as_list_opt::<i32>());
        let numbers = list.map(|lists| lists.value(self.at));
        let numbers = numbers
            .as_ref()
            .and_then(|numbers| numbers.as_primitive_opt::<T>());
        numbers.map_or_else(Vec::new, |numbers| numbers.values().to_vec())
    }

    fn primitive<T: ArrowPrimitiveType>(self, name: &str) -> Option<T::Native> {
        Some(self.column(name)?.as_primitive_opt::<T>()?.value(self.at))
    }
}

pub(super) fn text_at(column: &dyn Array, at: usize) -> Option<&str> {
    if column.is_null(at) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(at)),
        DataType::Utf8View => Some(column.as_string_view().value(at)),
        DataType::Dictionary(..) => {
            let dictionary = column.as_dictionary_opt::<Int32Type>()?;
            text_at(dictionary.values().as_ref(), dictionary.key(at)?)
        }
        _ => None,
    }
}

/// The value of an attribute's column.
pub(super) fn value_at(column: &dyn Array, at: usize) -> Option<AnyValue> {
    if column.is_null(at) {
        return None;
    }
    let value = match column.data_type() {
        DataType::Int64 => Any::IntValue(column.as_primitive::<Int64Type>().value(at)),
        DataType::Float64 => Any::DoubleValue(column.as_primitive::<Float64Type>().value(at)),
        DataType::Boolean => Any::BoolValue(column.as_boolean().value(at)),
        _ => Any::StringValue(text_at(column, at)?.to_owned()),
    };
    Some(any(value))
}
