//! A column of one row group as codes and the values they stand for, taken from the file as they are. Whoever counts or
//! compares looks at each value once, and at a number for each row.

mod counts;
mod delta;
mod hybrid;
mod page;
mod presence;

use std::ops::Range;
use std::sync::Arc;

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
    /// For each code, the rows that have it.
    pub counts: Vec<u32>,
    pub values: Values,
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
        let places = self.presence.places(rows);
        places.map(|place| place.map_or(ABSENT, |place| self.codes[place]))
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
    Flags(Vec<bool>),
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
    pages: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Texts {
    /// The bytes of one: UTF-8, which is not looked at here.
    #[must_use]
    pub fn value(&self, place: usize) -> &[u8] {
        &self.pages[self.places[place].clone()]
    }

    fn add(&mut self, page: &[u8], count: usize) -> Result<()> {
        let mut at = self.pages.len();
        self.pages.extend_from_slice(page);
        self.places.reserve(count);
        for _ in 0..count {
            let length = self.pages[at..].first_chunk().ok_or_else(torn)?;
            let start = at + size_of::<u32>();
            let end = start.saturating_add(u32::from_le_bytes(*length) as usize);
            if end > self.pages.len() {
                return Err(torn());
            }
            self.places.push(start..end);
            at = end;
        }
        Ok(())
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

    /// What is in `room` is forgotten.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn decode(&self, mut room: Vec<u32>) -> Result<Chunk> {
        let (chunk, rows) = (self.chunk(), self.rows());
        room.clear();
        room.reserve(rows);
        let mut decoder = Decoder {
            codes: room,
            counts: Counts::new(),
            presence: Presence::default(),
            values: Values::new(chunk.column_type())?,
            has_absent: chunk.column_descr().max_def_level() > 0,
        };
        let mut pages = Pages {
            bytes: &self.bytes,
            compression: chunk.compression(),
        };
        while decoder.presence.rows < rows {
            decoder.add(&pages.next()?)?;
        }
        let Decoder {
            codes,
            counts,
            presence,
            values,
            ..
        } = decoder;
        if presence.rows > rows || presence.values != codes.len() {
            return Err(torn());
        }
        let mut counts = counts.finish()?;
        counts[ABSENT as usize] = u32::try_from(rows - codes.len()).map_err(|_| torn())?;
        Ok(Chunk {
            counts,
            values,
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
    /// Of each code that is known, how often it came.
    counts: Counts,
    presence: Presence,
    /// What codes stand for, as far as they are read.
    values: Values,
    has_absent: bool,
}

impl Decoder {
    fn add(&mut self, page: &Page<'_>) -> Result<()> {
        let (bytes, encoding) = (&*page.bytes, page.encoding);
        if page.is_dictionary {
            self.values.add_plain(bytes, page.count)?;
            self.counts.know(page.count, 0);
            return Ok(());
        }
        let before = self.presence.values;
        let values = if self.has_absent {
            let (length, rest) = bytes.split_at_checked(4).ok_or_else(torn)?;
            let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
            let (levels, values) = rest.split_at_checked(length as usize).ok_or_else(torn)?;
            let mut runs = Runs::new(levels, 1, page.count).ok_or_else(torn)?;
            while let Some(run) = runs.next()? {
                self.presence.add_levels(&run);
            }
            values
        } else {
            self.presence.add_all(page.count);
            bytes
        };
        let count = self.presence.values - before;
        let (codes, counts) = (&mut self.codes, &mut self.counts);
        self.values.add(values, count, encoding, codes, counts)
    }
}

impl Values {
    fn new(physical: Type) -> Result<Self> {
        Ok(match physical {
            Type::BYTE_ARRAY => Self::Texts(Texts::default()),
            Type::INT64 => Self::Ints(Vec::new()),
            Type::DOUBLE => Self::Doubles(Vec::new()),
            Type::BOOLEAN => Self::Flags(Vec::new()),
            other => return Err(ParquetError::NYI(format!("codes of {other}"))),
        })
    }

    /// Adds the codes of so many values to `codes`, how often they come to `counts`, and what is new of them here.
    fn add(
        &mut self,
        bytes: &[u8],
        count: usize,
        encoding: Encoding,
        codes: &mut Vec<u32>,
        counts: &mut Counts,
    ) -> Result<()> {
        match (encoding, &mut *self) {
            (Encoding::Dictionary, _) => return add_places(bytes, count, codes, counts),
            (Encoding::Delta, Self::Ints(all)) => delta::unpack(bytes, count, all)?,
            (Encoding::Delta, _) => return Err(torn()),
            (Encoding::Plain, values) => values.add_plain(bytes, count)?,
        }
        let first = counts.len();
        counts.know(count, 1);
        let code = |place: usize| u32::try_from(place).map_err(|_| torn());
        codes.extend(code(first)?..code(first + count)?);
        Ok(())
    }

    fn add_plain(&mut self, from: &[u8], count: usize) -> Result<()> {
        match self {
            Self::Texts(texts) => texts.add(from, count)?,
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
}

/// Adds the codes of so many places in the dictionary, and how often they come.
fn add_places(bytes: &[u8], count: usize, codes: &mut Vec<u32>, counts: &mut Counts) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let (width, bytes) = bytes.split_first().ok_or_else(torn)?;
    let mut runs = Runs::new(bytes, usize::from(*width), count).ok_or_else(torn)?;
    while let Some(run) = runs.next()? {
        let first = codes.len();
        match run {
            Run::Repeated { number, count } => {
                let code = number.saturating_add(1);
                counts.add(code, count)?;
                codes.resize(first + count, code);
            }
            Run::Packed {
                bytes,
                width,
                count,
            } => {
                unpack(bytes, width, count, codes);
                counts.add_each(&codes[first..], width)?;
            }
        }
    }
    Ok(())
}

fn words(bytes: &[u8], count: usize) -> Result<impl Iterator<Item = [u8; 8]>> {
    let bytes = count.checked_mul(8).and_then(|length| bytes.get(..length));
    let words = bytes.ok_or_else(torn)?.chunks_exact(8);
    Ok(words.map(|word| word.try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests;
