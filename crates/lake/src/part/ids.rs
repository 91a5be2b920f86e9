//! Ids: byte strings of one width, nearly all different.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use parquet::basic::{Encoding, Type};
use parquet::data_type::FixedLenByteArray;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::statistics::Statistics;

use super::column::{ABSENT, ColumnEncoder, PLAIN, Result, Summary, Values};

pub(super) struct Ids {
    width: usize,
    /// Of the page, one after another.
    plain: Vec<u8>,
    bounds: Bounds,
    /// Nothing where ids come in no order, so that bounds of pages tell nothing.
    of_pages: Option<ColumnIndexBuilder>,
}

/// The least and the greatest of some ids.
#[derive(Default)]
struct Bounds(Option<(Vec<u8>, Vec<u8>)>);

impl Bounds {
    fn of<'a>(ids: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let both = ids.clone().min().zip(ids.max());
        Self(both.map(|(least, greatest)| (least.to_vec(), greatest.to_vec())))
    }

    fn widen(&mut self, other: &Self) {
        let all = [&self.0, &other.0].into_iter().flatten();
        let all = all.flat_map(|(least, greatest)| [&least[..], greatest]);
        *self = Self::of(all);
    }
}

/// A column of a batch.
struct BatchIds<'a> {
    width: usize,
    bytes: &'a [u8],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> BatchIds<'a> {
    fn new(column: &'a ArrayRef) -> Self {
        let ids = column.as_fixed_size_binary();
        Self {
            width: ids.value_size(),
            bytes: ids.value_data(),
            nulls: ids.nulls().filter(|nulls| nulls.null_count() > 0),
        }
    }

    fn get(&self, row: usize) -> Option<&'a [u8]> {
        let is_null = self.nulls.is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| &self.bytes[row * self.width..][..self.width])
    }
}

impl Ids {
    pub fn new(width: usize, has_bounds_of_pages: bool) -> Self {
        Self {
            width,
            plain: Vec::new(),
            bounds: Bounds::default(),
            of_pages: has_bounds_of_pages
                .then(|| ColumnIndexBuilder::new(Type::FIXED_LEN_BYTE_ARRAY)),
        }
    }
}

impl ColumnEncoder<Ids> {
    /// Adds rows of several batches, given as (batch, row).
    pub fn push_ids(&mut self, batches: &[&ArrayRef], rows: &[(usize, usize)]) -> Result<()> {
        let batches: Vec<_> = batches.iter().map(|batch| BatchIds::new(batch)).collect();
        self.push(rows, |values, (batch, row), _| {
            let Some(id) = batches[batch].get(row) else {
                return ABSENT;
            };
            values.plain.extend_from_slice(id);
            PLAIN
        })
    }
}

impl Values for Ids {
    fn count(&self) -> usize {
        0
    }

    fn dictionary(&self) -> &[u8] {
        &[]
    }

    fn plain_bytes(&self) -> usize {
        self.plain.len()
    }

    fn end_plain(&mut self, page: &mut Vec<u8>) {
        page.append(&mut self.plain);
    }

    fn plain_encoding(&self) -> Encoding {
        Encoding::PLAIN
    }

    fn begin_plain(&mut self, _codes: Option<&[u32]>, _expected: usize) {}

    fn end_page(&mut self, _codes: &[u32], nulls: usize) {
        let of_page = Bounds::of(self.plain.chunks_exact(self.width));
        self.bounds.widen(&of_page);
        if let Some(of_pages) = &mut self.of_pages {
            let (least, greatest) = of_page.0.unwrap_or_default();
            of_pages.append(least.is_empty(), least, greatest, nulls as i64);
        }
    }

    fn finish(self, nulls: usize) -> Result<Summary> {
        let (least, greatest) = self.bounds.0.unzip();
        let bound = |bytes: Option<Vec<u8>>| bytes.map(FixedLenByteArray::from);
        Ok(Summary {
            statistics: Statistics::fixed_len_byte_array(
                bound(least),
                bound(greatest),
                None,
                Some(nulls as u64),
                false,
            ),
            filter: None,
            bounds_of_pages: self.of_pages.map(ColumnIndexBuilder::build).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
