//! A column of a row group, encoded by codes: a value is looked up, and a row is a number that is packed.

use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::hybrid::{pack, put_varint, repeat, width_of};

pub(super) type Result<T> = std::result::Result<T, ParquetError>;

/// Codes of more bits may take whole bytes.
const FEW_BITS: u8 = 4;

thread_local! {
    /// One for all columns of a thread: each takes a megabyte.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A column with more different values than fit goes on without its dictionary.
    pub dictionary_bytes: usize,
    pub page_rows: usize,
    pub page_bytes: usize,
    pub group_rows: usize,
}

/// The values of a column: the dictionary, and those of the page that stand for themselves.
pub(super) trait Values {
    /// How many the dictionary has.
    fn count(&self) -> usize;

    /// The dictionary as Parquet writes it.
    fn dictionary(&self) -> &[u8];

    /// The bytes of the values that stand for themselves.
    fn plain_bytes(&self) -> usize;

    /// Moves those to the end of a page.
    fn end_plain(&mut self, page: &mut Vec<u8>);

    /// How they are written.
    fn plain_encoding(&self) -> Encoding;

    /// From here on values stand for themselves; there will be so many different ones in all. Where there are codes,
    /// these are all that there were, and they become values: the dictionary goes.
    fn begin_plain(&mut self, codes: Option<&[u32]>, expected: usize);

    /// Takes note of a page that ends: the codes of its rows with a value, unless these stand for themselves, and how many
    /// rows have none. To be called before [`Self::end_plain`].
    fn end_page(&mut self, _codes: &[u32], _nulls: usize) {}

    /// # Errors
    /// There are too many.
    fn finish(self, nulls: usize) -> Result<Summary>;
}

/// What the file's footer is to say of a column's values.
pub(super) struct Summary {
    pub statistics: Statistics,
    pub filter: Option<Sbbf>,
    pub bounds_of_pages: Option<ColumnIndexMetaData>,
}

/// What a row has whose value is not there, …
pub(super) const ABSENT: u32 = 0;
/// … one whose value stands for itself, if all do; of the others it is the code and one, …
pub(super) const PLAIN: u32 = 1;
/// … and one whose value the dictionary has no room for: it was not taken.
pub(super) const NO_ROOM: u32 = u32::MAX;

pub(super) struct ColumnEncoder<V> {
    descriptor: ColumnDescPtr,
    limits: Limits,
    pub values: V,
    /// Values stand for themselves from here on.
    is_plain: bool,
    /// What the rows have of the page that is being filled.
    page: Vec<u32>,
    pages: Pages,
    /// Whether codes take whole bytes, once that was tried.
    is_wide: Option<bool>,
    rows: usize,
    nulls: usize,
}

/// Pages that are finished.
struct Pages {
    written: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    index: OffsetIndexBuilder,
    compression: Compression,
    has_plain: bool,
}

impl<V: Values> ColumnEncoder<V> {
    pub fn new(
        descriptor: ColumnDescPtr,
        compression: Compression,
        limits: Limits,
        values: V,
        has_dictionary: bool,
    ) -> Self {
        Self {
            descriptor,
            limits,
            values,
            is_plain: !has_dictionary,
            page: Vec::new(),
            pages: Pages {
                written: TrackedWrite::new(Vec::new()),
                uncompressed: 0,
                index: OffsetIndexBuilder::new(),
                compression,
                has_plain: false,
            },
            is_wide: None,
            rows: 0,
            nulls: 0,
        }
    }

    /// Adds rows of several batches, given as (batch, row). `put` hands what a row has to the values, and says what it is: a
    /// code and one, unless values stand for themselves.
    pub fn push(
        &mut self,
        rows: &[(usize, usize)],
        mut put: impl FnMut(&mut V, (usize, usize), bool) -> u32,
    ) -> Result<()> {
        let (limits, mut left) = (self.limits, rows);
        while !left.is_empty() {
            let room = limits.page_rows - self.page.len();
            let (now, _) = left.split_at(room.min(left.len()));
            self.page.reserve(now.len());
            let taken = match self.is_plain {
                true => self.fill_plain(now, &mut put),
                false => self.fill_codes(now, &mut put),
            };
            left = &left[taken..];
            if taken < now.len() && !self.is_plain {
                self.begin_plain()?;
            }
            let is_full = self.page.len() == limits.page_rows;
            if is_full || self.values.plain_bytes() >= limits.page_bytes {
                self.end_page()?;
            }
        }
        Ok(())
    }

    /// Adds rows up to the first with a value that the dictionary has no room for; says how many.
    fn fill_codes(
        &mut self,
        rows: &[(usize, usize)],
        put: &mut impl FnMut(&mut V, (usize, usize), bool) -> u32,
    ) -> usize {
        for (taken, row) in rows.iter().enumerate() {
            let code = put(&mut self.values, *row, false);
            if code == NO_ROOM {
                return taken;
            }
            self.page.push(code);
        }
        rows.len()
    }

    /// Adds rows until a page is full of values; says how many.
    fn fill_plain(
        &mut self,
        rows: &[(usize, usize)],
        put: &mut impl FnMut(&mut V, (usize, usize), bool) -> u32,
    ) -> usize {
        for (taken, row) in rows.iter().enumerate() {
            self.page.push(put(&mut self.values, *row, true));
            if self.values.plain_bytes() >= self.limits.page_bytes {
                return taken + 1;
            }
        }
        rows.len()
    }

    /// The dictionary is as it will be. Where it is full before the first page is, nearly all values are different, and it
    /// would only cost codes: there is none then.
    fn begin_plain(&mut self) -> Result<()> {
        // As many new ones among the rows that are missing as there were among those so far.
        let (known, all) = (self.values.count(), self.limits.group_rows);
        let rows = self.rows + self.page.len();
        let expected = known.saturating_mul(all) / rows.max(1);
        let expected = expected.clamp(known, all.max(known));
        if self.rows > 0 {
            self.end_page()?;
            self.values.begin_plain(None, expected);
        } else {
            self.values
                .begin_plain(Some(&codes_of(&self.page)), expected);
            for row in &mut self.page {
                *row = (*row).min(PLAIN);
            }
        }
        self.is_plain = true;
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.page);
        if rows.is_empty() {
            return Ok(());
        }
        let is_plain = self.is_plain || self.values.count() == 0;
        let codes = codes_of(&rows);
        let nulls = rows.len() - codes.len();
        self.values
            .end_page(if is_plain { &[] } else { &codes }, nulls);
        let mut page = Vec::with_capacity(self.values.plain_bytes() + rows.len());
        if self.descriptor.max_def_level() > 0 {
            page.extend_from_slice(&[0; 4]);
            pack_levels(&rows, nulls, &mut page);
            let bytes = length(page.len() - 4)?;
            page[..4].copy_from_slice(&bytes);
        }
        let compression = self.pages.compression;
        let (page, encoding) = if is_plain {
            self.values.end_plain(&mut page);
            let page = Compressed::new(&page, compression)?;
            (page, self.values.plain_encoding())
        } else {
            let width = width_of(self.values.count() as u32 - 1);
            let with_codes = |width: u8| {
                let mut page = page.clone();
                page.push(width);
                pack(&codes, width, &mut page);
                Compressed::new(&page, compression)
            };
            let page = with_width(width, &mut self.is_wide, with_codes)?;
            (page, Encoding::RLE_DICTIONARY)
        };
        self.pages.add(page, rows.len(), encoding)?;
        self.rows += rows.len();
        self.nulls += nulls;
        // Its room, for the next one.
        self.page = rows;
        self.page.clear();
        Ok(())
    }

    /// The column's bytes, and what the file's footer is to say of them.
    pub fn finish(mut self) -> Result<(Bytes, ColumnCloseResult)> {
        self.end_page()?;
        let (mut bytes, uncompressed) = self.dictionary_page()?;
        let first = bytes.len() as i64;
        bytes.extend(self.pages.written.into_inner()?);
        let has_dictionary = first > 0;
        let plain = self.values.plain_encoding();
        let summary = self.values.finish(self.nulls)?;
        let mut encodings = vec![Encoding::RLE];
        if has_dictionary {
            encodings.extend([Encoding::RLE_DICTIONARY, Encoding::PLAIN]);
        }
        if self.pages.has_plain && !encodings.contains(&plain) {
            encodings.push(plain);
        }
        let metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_encodings(encodings)
            .set_compression(self.pages.compression)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size((uncompressed + self.pages.uncompressed) as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(first)
            .set_statistics(summary.statistics)
            .build()?;
        let mut index = self.pages.index.build();
        for location in &mut index.page_locations {
            location.offset += first;
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: summary.filter,
            column_index: summary.bounds_of_pages,
            offset_index: Some(index),
        };
        Ok((bytes.into(), close))
    }

    /// The dictionary with its header, if there is one, and what it takes uncompressed.
    fn dictionary_page(&self) -> Result<(Vec<u8>, usize)> {
        if self.values.count() == 0 {
            return Ok((Vec::new(), 0));
        }
        let plain = self.values.dictionary();
        let Compressed { bytes, size } = Compressed::new(plain, self.pages.compression)?;
        let page = Page::DictionaryPage {
            buf: bytes,
            num_values: self.values.count() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let page = CompressedPage::new(page, size);
        let mut bytes = TrackedWrite::new(Vec::new());
        let spec = SerializedPageWriter::new(&mut bytes).write_page(page)?;
        Ok((bytes.into_inner()?, spec.uncompressed_size))
    }
}

/// The codes of the rows that have a value.
fn codes_of(rows: &[u32]) -> Vec<u32> {
    let mut codes = vec![0; rows.len()];
    let mut count = 0;
    // Which rows have one is in no order, so that a branch would often be guessed wrong.
    for row in rows {
        codes[count] = row.wrapping_sub(1);
        count += usize::from(*row != ABSENT);
    }
    codes.truncate(count);
    codes
}

/// Adds for each row whether it has a value, of which so many have none.
fn pack_levels(rows: &[u32], nulls: usize, out: &mut Vec<u8>) {
    if nulls == 0 || nulls == rows.len() {
        return repeat(u32::from(nulls == 0), rows.len(), 1, out);
    }
    put_varint((rows.len().div_ceil(8) << 1 | 1) as u64, out);
    out.extend(rows.chunks(8).map(|eight| {
        let bits = eight.iter().enumerate();
        bits.fold(0, |bits, (place, row)| {
            bits | u8::from(*row != ABSENT) << place
        })
    }));
}

impl Pages {
    fn add(&mut self, page: Compressed, rows: usize, encoding: Encoding) -> Result<()> {
        let count = u32::try_from(rows).map_err(|_| too_long())?;
        let data = Page::DataPage {
            buf: page.bytes,
            num_values: count,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let page = CompressedPage::new(data, page.size);
        let spec = SerializedPageWriter::new(&mut self.written).write_page(page)?;
        self.has_plain |= encoding != Encoding::RLE_DICTIONARY;
        self.uncompressed += spec.uncompressed_size;
        self.index.append_row_count(i64::from(count));
        let size = i32::try_from(spec.compressed_size).map_err(|_| too_long())?;
        self.index.append_offset_and_size(spec.offset as i64, size);
        Ok(())
    }
}

/// A page of codes that need so many bits. Where rows of a trace have the same code, it is found again if codes take whole
/// bytes, and otherwise they would only be more to compress: the first page tells.
fn with_width(
    width: u8,
    is_wide: &mut Option<bool>,
    page: impl Fn(u8) -> Result<Compressed>,
) -> Result<Compressed> {
    let wide = width.next_multiple_of(8);
    if width <= FEW_BITS || width == wide || *is_wide == Some(false) {
        return page(width);
    }
    let in_bytes = page(wide)?;
    if *is_wide == Some(true) {
        return Ok(in_bytes);
    }
    let in_bits = page(width)?;
    let is_less = in_bytes.bytes.len() < in_bits.bytes.len();
    *is_wide = Some(is_less);
    Ok(if is_less { in_bytes } else { in_bits })
}

struct Compressed {
    bytes: Bytes,
    /// Before it was.
    size: usize,
}

impl Compressed {
    fn new(page: &[u8], compression: Compression) -> Result<Self> {
        let level = match compression {
            Compression::ZSTD(level) => level,
            Compression::UNCOMPRESSED => {
                return Ok(Self {
                    bytes: Bytes::copy_from_slice(page),
                    size: page.len(),
                });
            }
            other => return Err(ParquetError::NYI(format!("values compressed by {other}"))),
        };
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => none.insert(Compressor::default()),
            };
            compressor.set_compression_level(level.compression_level())?;
            Ok(Self {
                bytes: compressor.compress(page)?.into(),
                size: page.len(),
            })
        })
    }
}

pub(super) fn length(bytes: usize) -> Result<[u8; 4]> {
    let bytes = u32::try_from(bytes).map_err(|_| too_long())?;
    Ok(bytes.to_le_bytes())
}

fn too_long() -> ParquetError {
    ParquetError::General("values of a page are too long".to_owned())
}
