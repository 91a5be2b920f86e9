//! A column of one row group as codes and the values they stand for, taken from the file as they are. Whoever counts or
//! compares looks at each value once, and at a number for each row.

mod arrays;
mod counts;
mod delta;
mod hybrid;
mod page;
mod presence;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, DictionaryArray};
use arrow::buffer::Buffer;
use arrow::datatypes::Int32Type;
use bytes::Bytes;
use crawlspace_model::attribute::Kind;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use counts::Counts;
use hybrid::{Run, Runs, Torn, unpack};
pub(super) use page::page_of;
use page::{Encoding, Page, Pages};
use presence::Presence;

type Result<T> = std::result::Result<T, ParquetError>;

/// The code of rows without a value.
pub const ABSENT: u32 = 0;

/// A column of a row group: for each row a code, 0 where there is no value, else the value's place plus one. Equal values
/// may have several codes.
#[derive(Debug)]
pub struct Chunk {
    /// For each code, the rows that have it; nothing of [`StoredChunk::decode_codes`].
    pub counts: Vec<u32>,
    pub values: Values,
    /// Whether each row has a value of its own, so that codes are those of its values in their order.
    pub is_own: bool,
    /// How many of the values are the dictionary's: the first.
    of_dictionary: usize,
    /// Of the rows that have a value.
    codes: Vec<u32>,
    presence: Presence,
}

impl Chunk {
    /// Gives the rows that have a value, each with its place among the values.
    pub fn each_value(&self, mut each: impl FnMut(usize, usize)) {
        let mut codes = self.codes.iter();
        self.presence.each(true, |row| {
            if let Some(code) = codes.next() {
                each(row, *code as usize - 1);
            }
        });
    }

    /// Gives the rows that have no value.
    pub fn each_absent(&self, each: impl FnMut(usize)) {
        self.presence.each(false, each);
    }

    /// The codes of some rows, which are in their order.
    pub fn codes_of<'a>(&'a self, rows: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let places = rows.iter().map(|row| self.presence.place(*row as usize));
        places.map(|place| place.map_or(ABSENT, |place| self.codes[place]))
    }

    /// Its values, and the code of each row.
    #[must_use]
    pub fn into_rows(self) -> (Values, Vec<u32>) {
        if self.codes.len() == self.presence.rows {
            return (self.values, self.codes);
        }
        let mut rows = vec![ABSENT; self.presence.rows];
        let mut codes = self.codes.iter();
        self.presence.each(true, |row| {
            rows[row] = codes.next().copied().unwrap_or(ABSENT)
        });
        (self.values, rows)
    }

    /// Its room, for another one.
    #[must_use]
    pub fn into_room(self) -> Vec<u32> {
        self.codes
    }
}

/// What codes stand for.
#[derive(Debug)]
pub enum Values {
    Texts(Texts),
    Ints(Vec<i64>),
    Doubles(Vec<f64>),
    /// False and true.
    Flags([bool; 2]),
}

impl Values {
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.places.len(),
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

/// Texts as they stand in their pages.
#[derive(Debug, Default)]
pub struct Texts {
    pages: Vec<Buffer>,
    /// For each text its page, and where it is there.
    places: Vec<(u32, Range<u32>)>,
}

impl Texts {
    /// The bytes of one: UTF-8, which is not looked at here.
    #[must_use]
    pub fn value(&self, place: usize) -> &[u8] {
        let (page, Range { start, end }) = &self.places[place];
        &self.pages[*page as usize][*start as usize..*end as usize]
    }

    /// Adds the texts that a page has from `start` on.
    fn add(&mut self, page: Vec<u8>, start: usize, count: usize) -> Result<()> {
        let number = u32::try_from(self.pages.len()).map_err(|_| torn())?;
        let mut left = page.get(start..).ok_or_else(torn)?;
        let mut at = u32::try_from(start).map_err(|_| torn())?;
        // No text takes less than its length does.
        self.places
            .reserve(count.min(left.len() / size_of::<u32>()));
        for _ in 0..count {
            let (length, rest) = left.split_first_chunk().ok_or_else(torn)?;
            let length = u32::from_le_bytes(*length);
            left = rest.get(length as usize..).ok_or_else(torn)?;
            let start = at + size_of::<u32>() as u32;
            at = start + length;
            self.places.push((number, start..at));
        }
        self.pages.push(Buffer::from_vec(page));
        Ok(())
    }

    /// Adds the texts that a page has from `start` on, all behind the lengths of all.
    fn add_long(&mut self, page: Cow<'_, [u8]>, start: usize, count: usize) -> Result<()> {
        let number = u32::try_from(self.pages.len()).map_err(|_| torn())?;
        let mut lengths = Vec::new();
        let texts = delta::unpack(&page[start..], count, &mut lengths)?;
        let mut at = page.len() - texts.len();
        self.places.reserve(count);
        for length in lengths {
            let length = usize::try_from(length).map_err(|_| torn())?;
            let end = at.saturating_add(length);
            if end > page.len() {
                return Err(torn());
            }
            self.places.push((number, at as u32..end as u32));
            at = end;
        }
        self.pages.push(Buffer::from_vec(page.into_owned()));
        Ok(())
    }
}

/// A column of a row group as it is in the file, or some of its pages with the dictionary.
#[derive(Debug, Clone)]
pub struct StoredChunk {
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) group: usize,
    pub(super) column: usize,
    pub(super) bytes: Bytes,
    /// That are in those bytes.
    pub(super) rows: usize,
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

    /// How many rows it is of: all of the group, unless only some pages were read.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What is in `room` is forgotten.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn decode(&self, room: Vec<u32>) -> Result<Chunk> {
        self.decoded(room, 0, true)
    }

    /// Without how often each code comes.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn decode_codes(&self) -> Result<Chunk> {
        self.decoded(Vec::new(), 0, false)
    }

    /// Texts as an array with their codes, so that its first text is none. If `dictionary` is known, it is not in these
    /// bytes. Says also whether the array has the texts of the dictionary and no others, so that they may be given next time.
    ///
    /// # Errors
    /// The file is damaged, or has no texts there.
    pub fn decode_texts(
        &self,
        dictionary: Option<&ArrayRef>,
    ) -> Result<(DictionaryArray<Int32Type>, bool)> {
        let known = dictionary.map_or(0, |texts| texts.len() - 1);
        let chunk = self.decoded(Vec::new(), known, false)?;
        let is_dictionary = chunk.of_dictionary == known + chunk.values.len();
        Ok((chunk.into_texts(dictionary)?, is_dictionary))
    }

    /// The first `known` values are not in these bytes.
    fn decoded(&self, mut room: Vec<u32>, known: usize, is_counted: bool) -> Result<Chunk> {
        let (chunk, rows) = (self.chunk(), self.rows());
        room.clear();
        room.reserve(rows);
        let values = Values::new(chunk.column_type())?;
        let mut decoder = Decoder {
            codes: room,
            counts: Counts::new(known + values.len(), is_counted),
            presence: Presence::default(),
            values,
            is_own: true,
            of_dictionary: known,
            has_absent: chunk.column_descr().max_def_level() > 0,
            rows,
        };
        let mut pages = Pages {
            bytes: &self.bytes,
            compression: chunk.compression(),
        };
        while decoder.presence.rows < rows {
            decoder.add(pages.next()?)?;
        }
        let Decoder {
            codes,
            counts,
            mut presence,
            values,
            is_own,
            of_dictionary,
            ..
        } = decoder;
        if presence.values != codes.len() {
            return Err(torn());
        }
        presence.finish();
        let mut counts = counts.finish()?;
        if let Some(absent) = counts.get_mut(ABSENT as usize) {
            *absent = u32::try_from(rows - codes.len()).map_err(|_| torn())?;
        }
        Ok(Chunk {
            counts,
            values,
            is_own: is_own && codes.len() == rows,
            of_dictionary,
            codes,
            presence,
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
    /// Of each code that is known, how often it came, if that is asked for.
    counts: Counts,
    presence: Presence,
    /// What codes stand for, as far as they are read.
    values: Values,
    /// Whether no code came twice so far.
    is_own: bool,
    of_dictionary: usize,
    has_absent: bool,
    /// That there are in all.
    rows: usize,
}

impl Decoder {
    fn add(&mut self, page: Page<'_>) -> Result<()> {
        if page.is_dictionary {
            self.values.add_plain(page.bytes, 0, page.count)?;
            self.counts.know(page.count, 0);
            self.of_dictionary += page.count;
            return Ok(());
        }
        if page.count > self.rows - self.presence.rows {
            return Err(torn());
        }
        let before = self.presence.values;
        let mut start = 0;
        if self.has_absent {
            let (length, rest) = page.bytes.split_first_chunk().ok_or_else(torn)?;
            let length = u32::from_le_bytes(*length) as usize;
            let levels = rest.get(..length).ok_or_else(torn)?;
            let mut runs = Runs::new(levels, 1, page.count).ok_or_else(torn)?;
            while let Some(run) = runs.next()? {
                self.presence.add_levels(&run);
            }
            start = size_of::<u32>() + length;
        } else {
            self.presence.add_all(true, page.count);
        }
        let count = self.presence.values - before;
        self.add_values(page, start, count)
    }

    /// Adds so many values, which a page has from `start` on.
    fn add_values(&mut self, page: Page<'_>, start: usize, count: usize) -> Result<()> {
        let (codes, counts) = (&mut self.codes, &mut self.counts);
        let bytes = &page.bytes[start..];
        self.is_own &=
            page.encoding != Encoding::Dictionary && !matches!(self.values, Values::Flags(_));
        match (page.encoding, &mut self.values) {
            (Encoding::Dictionary, _) => return add_places(bytes, count, codes, counts),
            (Encoding::Plain, Values::Flags(_)) => return add_flags(bytes, count, codes, counts),
            (Encoding::Delta, Values::Ints(all)) => _ = delta::unpack(bytes, count, all)?,
            (Encoding::Lengths, Values::Texts(texts)) => {
                texts.add_long(page.bytes, start, count)?
            }
            (Encoding::Delta | Encoding::Lengths, _) => return Err(torn()),
            (Encoding::Plain, values) => values.add_plain(page.bytes, start, count)?,
        }
        let first = counts.len();
        counts.know(count, 1);
        let code = |place: usize| u32::try_from(place).map_err(|_| torn());
        codes.extend(code(first)?..code(first + count)?);
        Ok(())
    }
}

impl Values {
    fn new(physical: Type) -> Result<Self> {
        Ok(match physical {
            Type::BYTE_ARRAY => Self::Texts(Texts::default()),
            Type::INT64 => Self::Ints(Vec::new()),
            Type::DOUBLE => Self::Doubles(Vec::new()),
            Type::BOOLEAN => Self::Flags([false, true]),
            other => return Err(ParquetError::NYI(format!("codes of {other}"))),
        })
    }

    /// Adds so many values, which a page has from `start` on.
    fn add_plain(&mut self, page: Cow<'_, [u8]>, start: usize, count: usize) -> Result<()> {
        let bytes = &page[start..];
        match self {
            Self::Texts(texts) => texts.add(page.into_owned(), start, count)?,
            Self::Ints(all) => all.extend(words(bytes, count)?.map(i64::from_le_bytes)),
            Self::Doubles(all) => all.extend(words(bytes, count)?.map(f64::from_le_bytes)),
            Self::Flags(_) => return Err(torn()),
        }
        Ok(())
    }
}

/// Adds the codes of so many places in the dictionary, and how often they come.
fn add_places(bytes: &[u8], count: usize, codes: &mut Vec<u32>, counts: &mut Counts) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let (width, bytes) = bytes.split_first().ok_or_else(torn)?;
    let mut runs = Runs::new(bytes, usize::from(*width), count).ok_or_else(torn)?;
    while let Some(run) = runs.next()? {
        match run {
            Run::Repeated { number, count } => {
                let code = number.saturating_add(1);
                counts.add(code, count)?;
                codes.resize(codes.len() + count, code);
            }
            Run::Packed {
                bytes,
                width,
                count,
            } => add_packed(bytes, width, count, codes, counts)?,
        }
    }
    Ok(())
}

/// Adds so many flags, which are packed as places are.
fn add_flags(bytes: &[u8], count: usize, codes: &mut Vec<u32>, counts: &mut Counts) -> Result<()> {
    if bytes.len() < count.div_ceil(8) {
        return Err(torn());
    }
    add_packed(bytes, 1, count, codes, counts)
}

fn add_packed(
    bytes: &[u8],
    width: usize,
    count: usize,
    codes: &mut Vec<u32>,
    counts: &mut Counts,
) -> Result<()> {
    let first = codes.len();
    unpack(bytes, width, count, codes);
    counts.add_each(&codes[first..], width)
}

fn words(bytes: &[u8], count: usize) -> Result<impl Iterator<Item = [u8; 8]>> {
    let bytes = count.checked_mul(8).and_then(|length| bytes.get(..length));
    let words = bytes.ok_or_else(torn)?.chunks_exact(8);
    Ok(words.map(|word| word.try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests;
