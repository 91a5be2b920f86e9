//! Values of a column as small numbers, slice by slice: what is counted per event is an index, and only different values
//! are looked at as what they are.

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::error::ArrowError;
use crawlspace_query::{ABSENT, Values};

use super::value::{Kind, Raw, key_of_double, key_of_int};

/// Rows that are looked at together.
pub(super) const SLICE_ROWS: usize = 8_192;
const SLOT_BITS: u32 = 15;

/// A column in one of the few forms that are compared.
#[derive(Debug)]
pub(super) enum Column {
    Text(StringViewArray),
    /// Keys in the order of the numbers.
    Numbers(Kind, Vec<u64>, Option<NullBuffer>),
    Flags(BooleanArray),
    /// Only whether there is a value.
    Presence(Option<NullBuffer>, usize),
}

impl Column {
    pub fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        let nulls = || column.nulls().cloned();
        Ok(match column.data_type() {
            DataType::Utf8View => Self::Text(column.as_string_view().clone()),
            DataType::Boolean => Self::Flags(column.as_boolean().clone()),
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>().values();
                let keys = values.iter().map(|value| key_of_int(*value)).collect();
                Self::Numbers(Kind::Int, keys, nulls())
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>().values();
                let keys = values.iter().map(|value| key_of_double(*value)).collect();
                Self::Numbers(Kind::Double, keys, nulls())
            }
            DataType::Int32 | DataType::UInt64 => {
                return Self::new(&cast(column, &DataType::Int64)?);
            }
            DataType::Utf8 | DataType::Dictionary(_, _) => {
                return Self::new(&cast(column, &DataType::Utf8View)?);
            }
            _ => Self::Presence(column.logical_nulls(), column.len()),
        })
    }

    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Text(_) => Some(Kind::Text),
            Self::Numbers(kind, _, _) => Some(*kind),
            Self::Flags(_) => Some(Kind::Flag),
            Self::Presence(_, _) => None,
        }
    }

    pub fn value(&self, row: usize) -> Raw<'_> {
        match self {
            Self::Text(texts) => Raw::Text(texts.value(row).as_bytes()),
            Self::Numbers(_, keys, _) => Raw::Number(keys[row]),
            Self::Flags(flags) => Raw::Number(u64::from(flags.value(row))),
            Self::Presence(_, _) => Raw::Number(0),
        }
    }
}

/// A value by its code, less one.
pub(super) fn raw(values: &Values, place: usize) -> Raw<'_> {
    match values {
        Values::Texts(texts) => Raw::Text(texts.value(place)),
        Values::Ints(all) => Raw::Number(key_of_int(all[place])),
        Values::Doubles(all) => Raw::Number(key_of_double(all[place])),
        Values::Flags(all) => Raw::Number(u64::from(all[place])),
    }
}

/// Gives codes to values. The buffers are kept from column to column.
#[derive(Debug)]
pub(super) struct Coder {
    slots: Vec<u32>,
    places: Vec<usize>,
    keys: Vec<u128>,
    /// A row that has the value of code 1, 2, …
    pub rows: Vec<usize>,
    /// For each row.
    pub codes: Vec<u32>,
    /// For each code, the rows that have it.
    pub counts: Vec<u32>,
}

impl Default for Coder {
    fn default() -> Self {
        Self {
            slots: vec![ABSENT; 1 << SLOT_BITS],
            places: Vec::new(),
            keys: Vec::new(),
            rows: Vec::new(),
            codes: Vec::new(),
            counts: Vec::new(),
        }
    }
}

impl Coder {
    pub fn encode(&mut self, column: &Column) {
        match column {
            // Equal views are equal texts; equal texts may have different views, and then several codes.
            Column::Text(texts) => {
                let views = texts.views();
                self.encode_keys(texts.len(), texts.nulls(), |row| views[row]);
            }
            Column::Numbers(_, keys, nulls) => {
                self.encode_keys(keys.len(), nulls.as_ref(), |row| u128::from(keys[row]));
            }
            Column::Flags(flags) => {
                let values = flags.values();
                self.encode_keys(flags.len(), flags.nulls(), |row| {
                    u128::from(values.value(row))
                });
            }
            Column::Presence(nulls, rows) => self.encode_keys(*rows, nulls.as_ref(), |_| 0),
        }
    }

    fn encode_keys(
        &mut self,
        rows: usize,
        nulls: Option<&NullBuffer>,
        key: impl Fn(usize) -> u128,
    ) {
        for place in self.places.drain(..) {
            self.slots[place] = ABSENT;
        }
        self.keys.clear();
        self.rows.clear();
        self.codes.clear();
        self.codes.resize(rows, ABSENT);
        self.counts.clear();
        self.counts.push(0);
        // What is the same on all events, or on those of a trace, comes again and again.
        let (mut last_key, mut last_code) = (0, ABSENT);
        let mut encode = |row: usize| {
            let key = key(row);
            if key != last_key || last_code == ABSENT {
                (last_key, last_code) = (key, self.code(key, row));
            }
            self.codes[row] = last_code;
            self.counts[last_code as usize] += 1;
        };
        match nulls {
            None => (0..rows).for_each(&mut encode),
            Some(nulls) => nulls.valid_indices().for_each(&mut encode),
        }
        let present: u32 = self.counts.iter().sum();
        self.counts[ABSENT as usize] = rows as u32 - present;
    }

    fn code(&mut self, key: u128, row: usize) -> u32 {
        let folded = key as u64 ^ ((key >> 64) as u64).rotate_left(29);
        let mixed = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut place = (mixed >> (64 - SLOT_BITS)) as usize;
        loop {
            let code = self.slots[place];
            if code == ABSENT {
                break;
            }
            if self.keys[code as usize - 1] == key {
                return code;
            }
            place = (place + 1) % self.slots.len();
        }
        self.keys.push(key);
        self.rows.push(row);
        self.counts.push(0);
        self.places.push(place);
        let code = self.keys.len() as u32;
        self.slots[place] = code;
        code
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringViewArray};

    use super::{Coder, Column};
    use crate::compare::value::Raw;

    #[test]
    fn equal_values_have_equal_codes_and_absence_has_none() {
        let texts = [
            Some("a"),
            None,
            Some("b"),
            Some("a text of more than twelve bytes"),
            Some("a"),
        ];
        let column: ArrayRef = Arc::new(StringViewArray::from_iter(texts));
        let column = Column::new(&column).unwrap();
        let mut coder = Coder::default();
        coder.encode(&column);
        assert_eq!(coder.codes, [1, 0, 2, 3, 1]);
        assert_eq!(coder.counts, [1, 2, 1, 1]);
        assert!(matches!(column.value(coder.rows[1]), Raw::Text(b"b")));
        let numbers: ArrayRef =
            Arc::new(Int64Array::from_iter_values((0..8_192).map(|n| n % 5_000)));
        coder.encode(&Column::new(&numbers).unwrap());
        assert_eq!(coder.rows.len(), 5_000);
        assert_eq!((coder.codes[0], coder.codes[5_000]), (1, 1));
    }
}
