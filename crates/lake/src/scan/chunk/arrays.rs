//! Codes and arrays: what codes stand for as an array, for expressions, and columns in memory as codes.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray as _, BooleanArray, BooleanBufferBuilder,
    DictionaryArray, Float64Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
    StringViewArray, StringViewBuilder,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;

use super::{ABSENT, Chunk, Texts, Values};

impl Values {
    /// What each code stands for: first of all nothing, then the values.
    ///
    /// # Errors
    /// A text is no UTF-8, or values are not of that type.
    pub fn to_array(&self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let array: ArrayRef = match self {
            Self::Texts(texts) => {
                let all = (0..texts.places.len()).map(Some);
                texts.to_array(iter::once(None).chain(all))?
            }
            Self::Ints(all) => Arc::new(after_nothing::<Int64Type>(all)),
            Self::Doubles(all) => Arc::new(after_nothing::<Float64Type>(all)),
            Self::Flags([first, second]) => {
                Arc::new(BooleanArray::from(vec![None, Some(*first), Some(*second)]))
            }
        };
        cast(&array, data_type)
    }

    /// The values of an array and the code of each of its rows; nothing for types that have no codes.
    #[must_use]
    pub fn of_array(array: &dyn Array) -> Option<(Self, Vec<u32>)> {
        let mut codes: Vec<u32> = (1..).take(array.len()).collect();
        let values = match array.data_type() {
            DataType::Utf8View => Self::Texts(Texts::of_array(array.as_string_view())),
            DataType::Int64 | DataType::Timestamp(_, None) => {
                let numbers = cast(array, &DataType::Int64).ok()?;
                Self::Ints(numbers.as_primitive::<Int64Type>().values().to_vec())
            }
            DataType::Float64 => {
                Self::Doubles(array.as_primitive::<Float64Type>().values().to_vec())
            }
            DataType::Boolean => {
                let flags = array.as_boolean().values().iter();
                codes
                    .iter_mut()
                    .zip(flags)
                    .for_each(|(code, flag)| *code = 1 + u32::from(flag));
                Self::Flags([false, true])
            }
            _ => return None,
        };
        if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
            codes
                .iter_mut()
                .zip(nulls)
                .for_each(|(code, is_valid)| *code *= u32::from(is_valid));
        }
        Some((values, codes))
    }
}

fn after_nothing<T: ArrowPrimitiveType>(values: &[T::Native]) -> PrimitiveArray<T> {
    let mut all = Vec::with_capacity(1 + values.len());
    all.push(T::Native::default());
    all.extend_from_slice(values);
    let mut nulls = BooleanBufferBuilder::new(all.len());
    nulls.append(false);
    nulls.append_n(values.len(), true);
    PrimitiveArray::new(all.into(), Some(NullBuffer::new(nulls.finish())))
}

impl Chunk {
    /// Some rows, which are in their order.
    ///
    /// # Errors
    /// A text is no UTF-8.
    pub(in crate::scan) fn array_of(&self, rows: &[u32]) -> Result<ArrayRef, ArrowError> {
        let places = self.codes_of(rows);
        let places = places.map(|code| (code != ABSENT).then(|| code as usize - 1));
        if let Values::Ints(all) = &self.values
            && self.codes.len() == self.presence.rows
        {
            let codes = rows.iter().map(|row| self.codes[*row as usize] as usize);
            return Ok(Arc::new(Int64Array::from_iter_values(
                codes.map(|code| all[code - 1]),
            )));
        }
        Ok(match &self.values {
            Values::Texts(texts) => texts.to_array(places)?,
            Values::Ints(all) => Arc::new(
                places
                    .map(|place| Some(all[place?]))
                    .collect::<Int64Array>(),
            ),
            Values::Doubles(all) => Arc::new(
                places
                    .map(|place| Some(all[place?]))
                    .collect::<Float64Array>(),
            ),
            Values::Flags(all) => Arc::new(
                places
                    .map(|place| Some(all[place?]))
                    .collect::<BooleanArray>(),
            ),
        })
    }

    /// Texts as an array that has the same codes: the first of its texts is none. The texts up to some may be known.
    ///
    /// # Errors
    /// A text is no UTF-8, or values are no texts.
    pub(super) fn into_texts(
        self,
        known: Option<&ArrayRef>,
    ) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let (values, codes) = self.into_rows();
        let rows = codes.len();
        let Values::Texts(texts) = values else {
            return Err(ArrowError::CastError("values that are no texts".to_owned()));
        };
        let texts: ArrayRef = match known {
            Some(known) if texts.places.is_empty() => Arc::clone(known),
            Some(known) => concat(&[known, &texts.to_strings()?.slice(1, texts.places.len())])?,
            None => Arc::new(texts.to_strings()?),
        };
        let codes = Buffer::from_vec(codes);
        let codes = Int32Array::new(ScalarBuffer::new(codes, 0, rows), None);
        DictionaryArray::try_new(codes, texts)
    }
}

impl Texts {
    /// None, then all texts.
    fn to_strings(&self) -> Result<StringArray, ArrowError> {
        let lengths = self.places.iter().map(|(_, place)| place.len());
        let mut bytes = Vec::with_capacity(lengths.clone().sum());
        (0..self.places.len()).for_each(|place| bytes.extend_from_slice(self.value(place)));
        let offsets = OffsetBuffer::from_lengths(iter::once(0).chain(lengths));
        let mut nulls = BooleanBufferBuilder::new(1 + self.places.len());
        nulls.append(false);
        nulls.append_n(self.places.len(), true);
        StringArray::try_new(offsets, bytes.into(), Some(NullBuffer::new(nulls.finish())))
    }

    /// Some of the texts, given by their places, and gaps.
    fn to_array(
        &self,
        places: impl Iterator<Item = Option<usize>>,
    ) -> Result<ArrayRef, ArrowError> {
        let mut texts = StringViewBuilder::with_capacity(places.size_hint().0);
        let blocks: Vec<u32> = self
            .pages
            .iter()
            .map(|page| texts.append_block(page.clone()))
            .collect();
        for place in places {
            let Some(place) = place else {
                texts.append_null();
                continue;
            };
            let (page, Range { start, end }) = &self.places[place];
            texts.try_append_view(blocks[*page as usize], *start, end - start)?;
        }
        Ok(Arc::new(texts.finish()))
    }

    fn of_array(array: &StringViewArray) -> Self {
        let mut page = Vec::new();
        let places = (0..array.len()).map(|row| {
            let start = page.len() as u32;
            page.extend_from_slice(array.value(row).as_bytes());
            (0, start..page.len() as u32)
        });
        let places = places.collect();
        Self {
            pages: vec![Buffer::from_vec(page)],
            places,
        }
    }
}
