//! One value of an Arrow column as JSON.
//!
//! Times are strings of nanoseconds since 1970, 64-bit integers beyond ±2^53 are strings (JSON readers would round
//! them), NaN and the infinities are strings, bytes are lower-case hex, lists are arrays, maps and structs are objects.

use std::io::Write as _;

use arrow::array::{Array, ArrayRef, AsArray as _, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use crawlspace_model::id::hex;

/// Writes the value of a row.
pub(crate) type Cell<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// The largest integer that every JSON reader keeps exact.
const EXACT_MAX: i128 = 1 << 53;

/// What the API calls a type.
pub(crate) fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Int8 => "int8",
        DataType::Int16 => "int16",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::UInt8 => "uint8",
        DataType::UInt16 => "uint16",
        DataType::UInt32 => "uint32",
        DataType::UInt64 => "uint64",
        DataType::Float16 | DataType::Float32 => "float32",
        DataType::Float64 => "float64",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary",
        DataType::Timestamp(_, _) => "timestamp_ns",
        DataType::Duration(_) => "duration_ns",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) => "interval",
        DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => "decimal",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(_, _)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => "list",
        DataType::Struct(_) => "struct",
        DataType::Map(_, _) => "map",
        DataType::Union(_, _) => "union",
        DataType::Dictionary(_, values) => type_name(values),
        DataType::RunEndEncoded(_, values) => type_name(values.data_type()),
    }
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a text has a JSON form");
}

/// The writer of a column's values.
pub(crate) fn cell(array: &dyn Array) -> Cell<'_> {
    let value = value(array);
    if array.null_count() == 0 {
        return value;
    }
    Box::new(move |row, out| {
        if array.is_null(row) {
            out.extend_from_slice(b"null");
        } else {
            value(row, out);
        }
    })
}

fn value(array: &dyn Array) -> Cell<'_> {
    match array.data_type() {
        DataType::Null => Box::new(|_, out| out.extend_from_slice(b"null")),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row, out| {
                out.extend_from_slice(if array.value(row) { b"true" } else { b"false" })
            })
        }
        DataType::Int8 => integer::<Int8Type>(array),
        DataType::Int16 => integer::<Int16Type>(array),
        DataType::Int32 => integer::<Int32Type>(array),
        DataType::Int64 => integer::<Int64Type>(array),
        DataType::UInt8 => integer::<UInt8Type>(array),
        DataType::UInt16 => integer::<UInt16Type>(array),
        DataType::UInt32 => integer::<UInt32Type>(array),
        DataType::UInt64 => integer::<UInt64Type>(array),
        DataType::Float16 => primitive::<Float16Type>(array, |number, out| {
            write_double(number.to_f32().into(), out)
        }),
        DataType::Float32 => primitive::<Float32Type>(array, write_float),
        DataType::Float64 => primitive::<Float64Type>(array, write_double),
        DataType::Timestamp(TimeUnit::Second, _) => {
            time::<TimestampSecondType>(array, 1_000_000_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            time::<TimestampMillisecondType>(array, 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            time::<TimestampMicrosecondType>(array, 1_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time::<TimestampNanosecondType>(array, 1),
        DataType::Duration(TimeUnit::Second) => span::<DurationSecondType>(array, 1_000_000_000),
        DataType::Duration(TimeUnit::Millisecond) => {
            span::<DurationMillisecondType>(array, 1_000_000)
        }
        DataType::Duration(TimeUnit::Microsecond) => span::<DurationMicrosecondType>(array, 1_000),
        DataType::Duration(TimeUnit::Nanosecond) => span::<DurationNanosecondType>(array, 1),
        _ => variable(array),
    }
}

/// Values without a fixed width of a number, and values made of others.
fn variable(array: &dyn Array) -> Cell<'_> {
    match array.data_type() {
        DataType::Utf8 => text(array.as_string::<i32>(), |array, row| array.value(row)),
        DataType::LargeUtf8 => text(array.as_string::<i64>(), |array, row| array.value(row)),
        DataType::Utf8View => text(array.as_string_view(), |array, row| array.value(row)),
        DataType::Binary => bytes(array.as_binary::<i32>(), |array, row| array.value(row)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>(), |array, row| array.value(row)),
        DataType::BinaryView => bytes(array.as_binary_view(), |array, row| array.value(row)),
        DataType::FixedSizeBinary(_) => {
            bytes(array.as_fixed_size_binary(), |array, row| array.value(row))
        }
        DataType::List(_) => list(|row| array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(|row| array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(_, _) => list(|row| array.as_fixed_size_list().value(row)),
        DataType::ListView(_) => list(|row| array.as_list_view::<i32>().value(row)),
        DataType::LargeListView(_) => list(|row| array.as_list_view::<i64>().value(row)),
        DataType::Struct(_) => structure(array),
        DataType::Map(_, _) => map(array),
        DataType::Dictionary(_, _) => dictionary(array),
        _ => formatted(array),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    array: &dyn Array,
    write: fn(T::Native, &mut Vec<u8>),
) -> Cell<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| write(array.value(row), out))
}

fn integer<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &dyn Array) -> Cell<'_> {
    primitive::<T>(array, |number, out| write_integer(number.into(), out))
}

fn time<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array, nanos: i128) -> Cell<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| _ = write!(out, "\"{}\"", i128::from(array.value(row)) * nanos))
}

fn span<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array, nanos: i128) -> Cell<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| write_integer(i128::from(array.value(row)) * nanos, out))
}

fn write_integer(number: i128, out: &mut Vec<u8>) {
    _ = if (-EXACT_MAX..=EXACT_MAX).contains(&number) {
        write!(out, "{number}")
    } else {
        write!(out, "\"{number}\"")
    };
}

fn write_float(number: f32, out: &mut Vec<u8>) {
    if number.is_finite() {
        _ = write!(out, "{number:?}");
    } else {
        write_double(number.into(), out);
    }
}

fn write_double(number: f64, out: &mut Vec<u8>) {
    _ = if number.is_finite() {
        write!(out, "{number:?}")
    } else if number.is_nan() {
        write!(out, "\"NaN\"")
    } else {
        write!(out, "\"{}Infinity\"", if number < 0.0 { "-" } else { "" })
    };
}

fn text<'a, A>(array: &'a A, value: fn(&'a A, usize) -> &'a str) -> Cell<'a> {
    Box::new(move |row, out| write_text(value(array, row), out))
}

fn bytes<'a, A>(array: &'a A, value: fn(&'a A, usize) -> &'a [u8]) -> Cell<'a> {
    Box::new(move |row, out| _ = write!(out, "\"{}\"", hex(value(array, row))))
}

fn list<'a>(items: impl Fn(usize) -> ArrayRef + 'a) -> Cell<'a> {
    Box::new(move |row, out| {
        let items = items(row);
        let item = cell(items.as_ref());
        out.push(b'[');
        for i in 0..items.len() {
            if i > 0 {
                out.push(b',');
            }
            item(i, out);
        }
        out.push(b']');
    })
}

fn structure(array: &dyn Array) -> Cell<'_> {
    let array = array.as_struct();
    let members: Vec<(&str, Cell<'_>)> = array
        .column_names()
        .into_iter()
        .zip(array.columns().iter().map(|column| cell(column.as_ref())))
        .collect();
    Box::new(move |row, out| {
        out.push(b'{');
        for (i, (name, member)) in members.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_text(name, out);
            out.push(b':');
            member(row, out);
        }
        out.push(b'}');
    })
}

fn map(array: &dyn Array) -> Cell<'_> {
    let array = array.as_map();
    let keys = ArrayFormatter::try_new(array.keys().as_ref(), &FormatOptions::new()).ok();
    let values = cell(array.values().as_ref());
    Box::new(move |row, out| {
        let offsets = array.value_offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        out.push(b'{');
        for i in start..end {
            if i > start {
                out.push(b',');
            }
            write_text(
                &keys
                    .as_ref()
                    .map_or_else(String::new, |keys| keys.value(i).to_string()),
                out,
            );
            out.push(b':');
            values(i, out);
        }
        out.push(b'}');
    })
}

fn dictionary(array: &dyn Array) -> Cell<'_> {
    let array = array.as_any_dictionary();
    if array.values().is_empty() {
        return Box::new(|_, out| out.extend_from_slice(b"null"));
    }
    let keys = array.normalized_keys();
    let value = cell(array.values().as_ref());
    Box::new(move |row, out| value(keys[row], out))
}

/// Dates, decimals and other rare types: as text.
fn formatted(array: &dyn Array) -> Cell<'_> {
    static OPTIONS: FormatOptions<'static> = FormatOptions::new();
    match ArrayFormatter::try_new(array, &OPTIONS) {
        Ok(formatter) => {
            let texts: Vec<String> = (0..array.len())
                .map(|row| formatter.value(row).to_string())
                .collect();
            Box::new(move |row, out| write_text(&texts[row], out))
        }
        Err(error) => {
            let text = format!("unreadable: {error}");
            Box::new(move |_, out| write_text(&text, out))
        }
    }
}
