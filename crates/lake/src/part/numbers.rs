//! Numbers of 64 bits.

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};
use hashbrown::HashTable;
use parquet::basic::{Encoding, Type};
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::statistics::Statistics;

use super::column::{ABSENT, ColumnEncoder, NO_ROOM, PLAIN, Result, Summary, Values};
use super::delta;

/// Integers, or doubles by their bits.
pub(super) struct Numbers {
    is_double: bool,
    dictionary_bytes: usize,
    /// The dictionary as Parquet writes it.
    dictionary: Vec<u8>,
    codes: HashTable<(i64, u32)>,
    hasher: RandomState,
    /// What came last, and its code: neighbours are often equal.
    last: Option<(i64, u32)>,
    /// Of the page, in place of codes.
    plain: Vec<i64>,
    bounds: Bounds,
    of_pages: ColumnIndexBuilder,
}

/// The least and the greatest of some numbers, in an order of both kinds; not known with one that has no order.
#[derive(Clone, Copy)]
struct Bounds {
    least: i64,
    greatest: i64,
    is_known: bool,
}

impl Bounds {
    const NONE: Self = Self {
        least: i64::MAX,
        greatest: i64::MIN,
        is_known: true,
    };

    fn widen(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.is_known &= other.is_known;
    }

    /// Both, if there is any number.
    fn both(self) -> Option<(i64, i64)> {
        (self.is_known && self.least <= self.greatest).then_some((self.least, self.greatest))
    }
}

/// Doubles' bits so that they compare as integers; the same way back.
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// A column of a batch.
struct BatchNumbers {
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
}

impl BatchNumbers {
    fn new(column: &ArrayRef) -> Self {
        let values = match column.data_type() {
            DataType::Float64 => {
                let doubles = column.as_primitive::<Float64Type>().values();
                ScalarBuffer::new(doubles.inner().clone(), 0, doubles.len())
            }
            DataType::Int64 => column.as_primitive::<Int64Type>().values().clone(),
            _ => {
                let times = column.as_primitive::<TimestampNanosecondType>();
                times.values().clone()
            }
        };
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        Self {
            values,
            nulls: nulls.cloned(),
        }
    }

    fn get(&self, row: usize) -> Option<i64> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| self.values[row])
    }
}

impl Numbers {
    pub fn new(is_double: bool, dictionary_bytes: usize) -> Self {
        let stored = match is_double {
            true => Type::DOUBLE,
            false => Type::INT64,
        };
        Self {
            is_double,
            dictionary_bytes,
            dictionary: Vec::new(),
            codes: HashTable::new(),
            hasher: RandomState::new(),
            last: None,
            plain: Vec::new(),
            bounds: Bounds::NONE,
            of_pages: ColumnIndexBuilder::new(stored),
        }
    }

    fn put(&mut self, number: i64, is_plain: bool) -> u32 {
        if is_plain {
            self.plain.push(number);
            return PLAIN;
        }
        if let Some((last, code)) = self.last
            && last == number
        {
            return code + 1;
        }
        let Some(code) = self.code(number) else {
            return NO_ROOM;
        };
        self.last = Some((number, code));
        code + 1
    }

    /// The code of a number; `None` if there is no room for it.
    fn code(&mut self, number: i64) -> Option<u32> {
        let hash = self.hasher.hash_one(number);
        if let Some((_, code)) = self.codes.find(hash, |(known, _)| *known == number) {
            return Some(*code);
        }
        if self.dictionary.len() + size_of::<i64>() > self.dictionary_bytes {
            return None;
        }
        let code = u32::try_from(self.codes.len()).ok()?;
        let hasher = &self.hasher;
        self.codes
            .insert_unique(hash, (number, code), |(known, _)| hasher.hash_one(known));
        self.dictionary.extend_from_slice(&number.to_le_bytes());
        Some(code)
    }

    /// The bounds of some numbers.
    fn bounds_of(&self, numbers: impl Iterator<Item = i64>) -> Bounds {
        let mut bounds = Bounds::NONE;
        for number in numbers {
            let (place, is_known) = match self.is_double {
                true => (
                    ordered(number),
                    !f64::from_bits(number.cast_unsigned()).is_nan(),
                ),
                false => (number, true),
            };
            bounds.widen(Bounds {
                least: place,
                greatest: place,
                is_known,
            });
        }
        bounds
    }

    fn statistics(&self, nulls: usize) -> Statistics {
        let (least, greatest) = self.bounds.both().unzip();
        let nulls = Some(nulls as u64);
        if self.is_double {
            let double = |place: i64| f64::from_bits(ordered(place).cast_unsigned());
            // Zeros of either sign are equal, and readers may have either.
            let least = least
                .map(double)
                .map(|least| if least == 0.0 { -0.0 } else { least });
            let greatest = greatest
                .map(double)
                .map(|most| if most == 0.0 { 0.0 } else { most });
            return Statistics::double(least, greatest, None, nulls, false);
        }
        Statistics::int64(least, greatest, None, nulls, false)
    }
}

impl ColumnEncoder<Numbers> {
    /// Adds rows of several batches, given as (batch, row).
    pub fn push_numbers(&mut self, batches: &[&ArrayRef], rows: &[(usize, usize)]) -> Result<()> {
        let batches: Vec<_> = batches
            .iter()
            .map(|batch| BatchNumbers::new(batch))
            .collect();
        self.push(rows, |values, (batch, row), is_plain| {
            match batches[batch].get(row) {
                Some(number) => values.put(number, is_plain),
                None => ABSENT,
            }
        })
    }
}

impl Values for Numbers {
    fn count(&self) -> usize {
        self.codes.len()
    }

    fn dictionary(&self) -> &[u8] {
        &self.dictionary
    }

    fn plain_bytes(&self) -> usize {
        size_of_val(self.plain.as_slice())
    }

    fn end_plain(&mut self, page: &mut Vec<u8>) {
        match self.is_double {
            true => page.extend(self.plain.iter().flat_map(|number| number.to_le_bytes())),
            false => delta::pack(&self.plain, page),
        }
        self.plain.clear();
    }

    fn plain_encoding(&self) -> Encoding {
        match self.is_double {
            true => Encoding::PLAIN,
            false => Encoding::DELTA_BINARY_PACKED,
        }
    }

    fn begin_plain(&mut self, codes: Option<&[u32]>, _expected: usize) {
        if let Some(codes) = codes {
            let (numbers, _) = self.dictionary.as_chunks();
            let numbers = codes
                .iter()
                .map(|code| i64::from_le_bytes(numbers[*code as usize]));
            self.plain.extend(numbers);
            self.codes.clear();
            self.dictionary.clear();
        }
    }

    fn end_page(&mut self, codes: &[u32], nulls: usize) {
        let (numbers, _) = self.dictionary.as_chunks();
        let of_codes = codes
            .iter()
            .map(|code| i64::from_le_bytes(numbers[*code as usize]));
        let of_page = self.bounds_of(of_codes.chain(self.plain.iter().copied()));
        self.bounds.widen(of_page);
        let bytes = |number: i64| number.to_le_bytes().to_vec();
        match of_page.both() {
            _ if codes.is_empty() && self.plain.is_empty() => {
                self.of_pages
                    .append(true, Vec::new(), Vec::new(), nulls as i64);
            }
            Some((least, most)) if !self.is_double => {
                self.of_pages
                    .append(false, bytes(least), bytes(most), nulls as i64);
            }
            _ => self.of_pages.to_invalid(),
        }
    }

    fn finish(self, nulls: usize) -> Result<Summary> {
        let statistics = self.statistics(nulls);
        let is_given = self.of_pages.valid() && !self.is_double;
        let bounds_of_pages = is_given.then(|| self.of_pages.build()).transpose()?;
        Ok(Summary {
            statistics,
            filter: None,
            bounds_of_pages,
        })
    }
}

#[cfg(test)]
mod tests;
