//! A column of one row group as codes and the values they stand for, taken from the file as they are. Whoever counts or
//! compares looks at each value once, and at a number for each row.

mod delta;
mod hybrid;
mod page;

use std::sync::Arc;

use arrow::array::{Array as _, LargeStringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use bytes::Bytes;
use crawlspace_model::attribute::Kind;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use hybrid::{Run, Runs, Torn, unpack};
use page::{Encoding, Page, Pages};

type Result<T> = std::result::Result<T, ParquetError>;

/// The code of rows without a value.
pub const ABSENT: u32 = 0;

/// A column of a row group.
#[derive(Debug)]
pub struct Chunk {
    /// For each row: 0 where there is no value, else the value's place plus one. Equal values may have several codes.
    pub codes: Vec<u32>,
    pub values: Values,
}

/// What codes stand for.
#[derive(Debug)]
pub enum Values {
    Texts(LargeStringArray),
    Ints(Vec<i64>),
    Doubles(Vec<f64>),
    Flags(Vec<bool>),
}

impl Values {
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Ints(all) => all.len(),
            Self::Doubles(all) => all.len(),
            Self::Flags(all) => all.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column of a row group as it is in the file.
#[derive(Debug, Clone)]
pub struct StoredChunk {
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) group: usize,
    pub(super) column: usize,
    pub(super) bytes: Bytes,
}

impl StoredChunk {
    fn chunk(&self) -> &ColumnChunkMetaData {
        self.metadata.row_group(self.group).column(self.column)
    }

    /// What kind of values the column has.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.chunk().column_type() {
            Type::INT64 => Kind::Int,
            Type::DOUBLE => Kind::Double,
            Type::BOOLEAN => Kind::Bool,
            _ => Kind::String,
        }
    }

    /// The bytes that it takes in the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How many rows the group has.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.group).num_rows()).unwrap_or_default()
    }

    /// The room of `codes` is used again.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn decode(&self, mut codes: Vec<u32>) -> Result<Chunk> {
        let (chunk, rows) = (self.chunk(), self.rows());
        codes.clear();
        codes.reserve(rows);
        let mut decoder = Decoder {
            codes,
            found: Found::new(chunk.column_type())?,
            has_absent: chunk.column_descr().max_def_level() > 0,
            packed: Vec::new(),
        };
        let mut pages = Pages {
            bytes: &self.bytes,
            compression: chunk.compression(),
        };
        while decoder.codes.len() < rows {
            decoder.add(&pages.next()?)?;
        }
        if decoder.codes.len() > rows {
            return Err(torn());
        }
        Ok(Chunk {
            codes: decoder.codes,
            values: decoder.found.finish()?,
        })
    }
}

/// Whether the columns of that physical type can be read so.
#[must_use]
pub(super) fn is_decoded(chunk: &ColumnChunkMetaData) -> bool {
    let types = [Type::BYTE_ARRAY, Type::INT64, Type::DOUBLE, Type::BOOLEAN];
    let descriptor = chunk.column_descr();
    types.contains(&chunk.column_type())
        && descriptor.max_rep_level() == 0
        && descriptor.max_def_level() <= 1
}

fn torn() -> ParquetError {
    ParquetError::General("a page ends before its values do".to_owned())
}

impl From<Torn> for ParquetError {
    fn from(_: Torn) -> Self {
        torn()
    }
}

/// Pages that are put together.
struct Decoder {
    codes: Vec<u32>,
    found: Found,
    has_absent: bool,
    /// The codes of a page's values.
    packed: Vec<u32>,
}

impl Decoder {
    fn add(&mut self, page: &Page<'_>) -> Result<()> {
        let (bytes, encoding) = (&*page.bytes, page.encoding);
        if page.is_dictionary {
            return self.found.add_plain(bytes, page.count);
        }
        if !self.has_absent {
            return self.add_rows(page.count, None, bytes, encoding);
        }
        let (length, rest) = bytes.split_at_checked(4).ok_or_else(torn)?;
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        let (levels, values) = rest.split_at_checked(length as usize).ok_or_else(torn)?;
        self.add_rows(page.count, Some(levels), values, encoding)
    }

    fn add_rows(
        &mut self,
        rows: usize,
        levels: Option<&[u8]>,
        values: &[u8],
        encoding: Encoding,
    ) -> Result<()> {
        let first = self.codes.len();
        let Some(levels) = levels else {
            return self.found.add(values, rows, encoding, &mut self.codes);
        };
        let (stretches, present) = stretches(levels, rows)?;
        self.packed.clear();
        self.found
            .add(values, present, encoding, &mut self.packed)?;
        let mut packed = self.packed.as_slice();
        for stretch in stretches {
            match stretch {
                Run::Repeated { number: 0, count } => {
                    self.codes.resize(self.codes.len() + count, ABSENT);
                }
                Run::Repeated { count, .. } => {
                    let (taken, rest) = packed.split_at_checked(count).ok_or_else(torn)?;
                    self.codes.extend_from_slice(taken);
                    packed = rest;
                }
                Run::Packed { bytes, count, .. } => {
                    let mut place = 0;
                    self.codes.extend((0..count).map(|row| {
                        let is_there = bytes[row / 8] >> (row % 8) & 1;
                        let code = packed.get(place).copied().unwrap_or(ABSENT);
                        place += usize::from(is_there);
                        code * u32::from(is_there)
                    }));
                    packed = packed.get(place..).ok_or_else(torn)?;
                }
            }
        }
        if self.codes.len() - first != rows {
            return Err(torn());
        }
        Ok(())
    }
}

/// Which rows of a page have a value, and how many do.
fn stretches(levels: &[u8], rows: usize) -> Result<(Vec<Run<'_>>, usize)> {
    let mut runs = Runs::new(levels, 1, rows).ok_or_else(torn)?;
    let (mut stretches, mut present) = (Vec::new(), 0);
    while let Some(run) = runs.next()? {
        present += match &run {
            Run::Repeated { number, count } => *number as usize * count,
            Run::Packed { bytes, count, .. } => ones(bytes, *count),
        };
        stretches.push(run);
    }
    Ok((stretches, present.min(rows)))
}

fn ones(bytes: &[u8], count: usize) -> usize {
    let whole = bytes[..count / 8].iter();
    let ones: usize = whole.map(|byte| byte.count_ones() as usize).sum();
    let rest = bytes.get(count / 8).map_or(0, |byte| {
        let mask = (1_u16 << (count % 8)) - 1;
        (u16::from(*byte) & mask).count_ones() as usize
    });
    ones + rest
}

/// The values that codes stand for, as far as they are read.
enum Found {
    Texts { bytes: Vec<u8>, ends: Vec<i64> },
    Ints(Vec<i64>),
    Doubles(Vec<f64>),
    Flags(Vec<bool>),
}

impl Found {
    fn new(physical: Type) -> Result<Self> {
        Ok(match physical {
            Type::BYTE_ARRAY => Self::Texts {
                bytes: Vec::new(),
                ends: vec![0],
            },
            Type::INT64 => Self::Ints(Vec::new()),
            Type::DOUBLE => Self::Doubles(Vec::new()),
            Type::BOOLEAN => Self::Flags(Vec::new()),
            other => return Err(ParquetError::NYI(format!("codes of {other}"))),
        })
    }

    fn count(&self) -> u32 {
        let count = match self {
            Self::Texts { ends, .. } => ends.len() - 1,
            Self::Ints(all) => all.len(),
            Self::Doubles(all) => all.len(),
            Self::Flags(all) => all.len(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Adds the codes of so many values to `codes`, and what is new of them here.
    fn add(
        &mut self,
        bytes: &[u8],
        count: usize,
        encoding: Encoding,
        codes: &mut Vec<u32>,
    ) -> Result<()> {
        let first = self.count() + 1;
        match (encoding, &mut *self) {
            (Encoding::Dictionary, _) => return self.add_places(bytes, count, codes),
            (Encoding::Delta, Self::Ints(all)) => delta::unpack(bytes, count, all)?,
            (Encoding::Delta, _) => return Err(torn()),
            (Encoding::Plain, found) => found.add_plain(bytes, count)?,
        }
        let count = u32::try_from(count).map_err(|_| torn())?;
        codes.extend(first..first + count);
        Ok(())
    }

    /// Adds the codes of so many places in the dictionary.
    fn add_places(&self, bytes: &[u8], count: usize, codes: &mut Vec<u32>) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let first = codes.len();
        let (width, bytes) = bytes.split_first().ok_or_else(torn)?;
        let mut runs = Runs::new(bytes, usize::from(*width), count).ok_or_else(torn)?;
        while let Some(run) = runs.next()? {
            match run {
                Run::Repeated { number, count } => {
                    codes.resize(codes.len() + count, number.saturating_add(1));
                }
                Run::Packed {
                    bytes,
                    width,
                    count,
                } => unpack(bytes, width, count, codes),
            }
        }
        let last = codes[first..].iter().fold(0, |last, code| last.max(*code));
        if last > self.count() {
            return Err(torn());
        }
        Ok(())
    }

    fn add_plain(&mut self, mut from: &[u8], count: usize) -> Result<()> {
        match self {
            Self::Texts { bytes, ends } => {
                bytes.reserve(from.len().saturating_sub(4 * count));
                ends.reserve(count);
                for _ in 0..count {
                    let (length, rest) = from.split_at_checked(4).ok_or_else(torn)?;
                    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
                    let (text, rest) = rest.split_at_checked(length as usize).ok_or_else(torn)?;
                    bytes.extend_from_slice(text);
                    ends.push(i64::try_from(bytes.len()).map_err(|_| torn())?);
                    from = rest;
                }
            }
            Self::Ints(all) => all.extend(words(from, count)?.map(i64::from_le_bytes)),
            Self::Doubles(all) => all.extend(words(from, count)?.map(f64::from_le_bytes)),
            Self::Flags(all) => {
                if from.len() < count.div_ceil(8) {
                    return Err(torn());
                }
                all.extend((0..count).map(|row| from[row / 8] >> (row % 8) & 1 == 1));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Values> {
        Ok(match self {
            Self::Texts { bytes, ends } => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
                let texts = LargeStringArray::try_new(ends, Buffer::from_vec(bytes), None);
                Values::Texts(texts.map_err(|error| ParquetError::General(error.to_string()))?)
            }
            Self::Ints(all) => Values::Ints(all),
            Self::Doubles(all) => Values::Doubles(all),
            Self::Flags(all) => Values::Flags(all),
        })
    }
}

fn words(bytes: &[u8], count: usize) -> Result<impl Iterator<Item = [u8; 8]>> {
    let bytes = count.checked_mul(8).and_then(|length| bytes.get(..length));
    let words = bytes.ok_or_else(torn)?.chunks_exact(8);
    Ok(words.map(|word| word.try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests;
