//! A text column of a row group, encoded by codes: a text is looked at once for each batch that it comes with, and a row
//! is a number.

use std::cell::RefCell;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Int32Type;
use bytes::Bytes;
use hashbrown::HashTable;
use parquet::basic::{Compression, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::delta;
use super::hybrid::{pack, repeat, width_of};

type Result<T> = std::result::Result<T, ParquetError>;

/// Of the values that a row group lacks, so many are taken for there by its Bloom filter. Half of it is two bits more for
/// each value.
const BLOOM_FALSE_SHARE: f64 = 0.05;
/// Longer texts are no bounds.
const BOUND_BYTES_MAX: usize = 64;
/// Codes of more bits may take whole bytes.
const FEW_BITS: u8 = 4;
/// A code that is not known yet.
const UNKNOWN: u32 = u32::MAX;

thread_local! {
    /// One for all columns of a thread: each takes a megabyte.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A column with more different texts than fit goes on without its dictionary.
    pub dictionary_bytes: usize,
    pub page_rows: usize,
    pub page_bytes: usize,
    pub group_rows: usize,
}

pub(super) struct TextEncoder {
    descriptor: ColumnDescPtr,
    limits: Limits,
    dictionary: Dictionary,
    /// Of each batch of before its texts, and the codes of those that were needed.
    translated: Vec<Translated>,
    /// Texts stand for themselves from here on.
    is_plain: bool,
    page: PageValues,
    pages: Pages,
    /// Whether codes take whole bytes, once that was tried.
    is_wide: Option<bool>,
    rows: usize,
    nulls: usize,
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    filter: Filter,
}

/// Rows as codes and what these stand for.
pub(super) type Codes = DictionaryArray<Int32Type>;
type Translated = (ArrayRef, Vec<u32>);

/// One of the batches that rows are taken from.
struct BatchTexts<'a> {
    keys: &'a [i32],
    nulls: Option<NullBuffer>,
    all: &'a ArrayRef,
    texts: &'a StringArray,
    /// For each of the texts its code in the column, if that is known.
    codes: Vec<u32>,
}

impl<'a> BatchTexts<'a> {
    fn new(batch: &'a Codes, known: Option<Translated>) -> Self {
        let all = batch.values();
        let known = known.filter(|(of, _)| Arc::ptr_eq(of, all));
        Self {
            keys: batch.keys().values(),
            nulls: batch.logical_nulls().filter(|nulls| nulls.null_count() > 0),
            all,
            texts: all.as_string(),
            codes: known.map_or_else(|| vec![UNKNOWN; all.len()], |(_, codes)| codes),
        }
    }

    /// Which of the texts a row has.
    fn key(&self, row: usize) -> Option<usize> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| self.keys[row] as usize)
    }

    fn text(&self, key: usize) -> &'a [u8] {
        self.texts.value(key).as_bytes()
    }
}

/// The values of the page that is being filled.
#[derive(Default)]
struct PageValues {
    /// For each row 1, or 0 where there is no value.
    levels: Vec<u32>,
    codes: Vec<u32>,
    /// In place of codes: texts one after another, and the length of each.
    plain: Vec<u8>,
    lengths: Vec<i64>,
}

impl PageValues {
    fn push_plain(&mut self, text: &[u8]) {
        self.plain.extend_from_slice(text);
        self.lengths.push(text.len() as i64);
    }
}

/// Pages that are finished.
struct Pages {
    written: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    index: OffsetIndexBuilder,
    compression: Compression,
    has_plain: bool,
}

/// Who looks for one text is told by it where that is not.
enum Filter {
    None,
    /// Made of the dictionary, once that is known.
    Wanted,
    Begun(Sbbf),
}

impl TextEncoder {
    pub fn new(
        descriptor: ColumnDescPtr,
        is_searched: bool,
        compression: Compression,
        limits: Limits,
    ) -> Result<Self> {
        Ok(Self {
            descriptor,
            limits,
            dictionary: Dictionary::default(),
            translated: Vec::new(),
            is_plain: false,
            page: PageValues::default(),
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
            bounds: None,
            filter: if is_searched {
                Filter::Wanted
            } else {
                Filter::None
            },
        })
    }

    /// Adds rows of several batches, given as (batch, row).
    pub fn push(&mut self, batches: &[&Codes], rows: &[(usize, usize)]) -> Result<()> {
        let mut known = std::mem::take(&mut self.translated).into_iter();
        let texts = batches
            .iter()
            .map(|batch| BatchTexts::new(batch, known.next()));
        let mut texts: Vec<BatchTexts> = texts.collect();
        let mut left = rows;
        while !left.is_empty() {
            let room = self.limits.page_rows - self.page.levels.len();
            let (now, _) = left.split_at(room.min(left.len()));
            let taken = match self.is_plain {
                false => self.push_codes(&mut texts, now),
                true => self.push_plain(&texts, now),
            };
            left = &left[taken..];
            if taken < now.len() && !self.is_plain {
                self.begin_plain()?;
            }
            let PageValues { levels, plain, .. } = &self.page;
            if levels.len() == self.limits.page_rows || plain.len() >= self.limits.page_bytes {
                self.end_page()?;
            }
        }
        let translated = texts
            .into_iter()
            .map(|texts| (Arc::clone(texts.all), texts.codes));
        self.translated = translated.collect();
        Ok(())
    }

    /// Adds rows up to the first with a text that the dictionary has no room for; says how many.
    fn push_codes(&mut self, texts: &mut [BatchTexts<'_>], rows: &[(usize, usize)]) -> usize {
        for (taken, (batch, row)) in rows.iter().enumerate() {
            let texts = &mut texts[*batch];
            let Some(key) = texts.key(*row) else {
                self.page.levels.push(0);
                continue;
            };
            if texts.codes[key] == UNKNOWN {
                let text = texts.text(key);
                match self.dictionary.code(text, self.limits.dictionary_bytes) {
                    Some(code) => texts.codes[key] = code,
                    None => return taken,
                }
            }
            self.page.levels.push(1);
            self.page.codes.push(texts.codes[key]);
        }
        rows.len()
    }

    /// Adds rows until a page is full; says how many.
    fn push_plain(&mut self, texts: &[BatchTexts<'_>], rows: &[(usize, usize)]) -> usize {
        for (taken, (batch, row)) in rows.iter().enumerate() {
            if self.page.plain.len() >= self.limits.page_bytes {
                return taken;
            }
            let texts = &texts[*batch];
            let Some(key) = texts.key(*row) else {
                self.page.levels.push(0);
                continue;
            };
            let text = texts.text(key);
            self.page.levels.push(1);
            self.page.push_plain(text);
            widen(&mut self.bounds, text);
            if let Filter::Begun(filter) = &mut self.filter {
                filter.insert(text);
            }
        }
        rows.len()
    }

    /// The dictionary is as it will be. Where it is full before the first page is, nearly all texts are different, and it
    /// would only cost codes: there is none then.
    fn begin_plain(&mut self) -> Result<()> {
        // As many new ones among the rows that are missing as there were among those so far.
        let (known, all) = (self.dictionary.starts.len(), self.limits.group_rows);
        let rows = self.rows + self.page.levels.len();
        let texts = known.saturating_mul(all) / rows.max(1);
        self.read_dictionary(texts.clamp(known, all.max(known)))?;
        if self.rows > 0 {
            self.end_page()?;
        } else {
            let dictionary = std::mem::take(&mut self.dictionary);
            for code in std::mem::take(&mut self.page.codes) {
                self.page.push_plain(dictionary.text(code as usize));
            }
        }
        self.is_plain = true;
        Ok(())
    }

    /// Takes bounds and the Bloom filter from the dictionary; there will be so many different texts in all.
    fn read_dictionary(&mut self, texts: usize) -> Result<()> {
        if let Filter::Wanted = self.filter {
            let texts = texts.max(1) as u64;
            self.filter = Filter::Begun(Sbbf::new_with_ndv_fpp(texts, BLOOM_FALSE_SHARE)?);
        }
        for code in 0..self.dictionary.starts.len() {
            let text = self.dictionary.text(code);
            widen(&mut self.bounds, text);
            if let Filter::Begun(filter) = &mut self.filter {
                filter.insert(text);
            }
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        let PageValues {
            levels,
            codes,
            plain,
            lengths,
        } = &mut self.page;
        if levels.is_empty() {
            return Ok(());
        }
        let values = codes.len() + lengths.len();
        let mut page = Vec::with_capacity(plain.len() + levels.len());
        if self.descriptor.max_def_level() > 0 {
            page.extend_from_slice(&[0; 4]);
            match levels.len() - values {
                0 => repeat(1, values, 1, &mut page),
                _ => pack(levels, 1, &mut page),
            }
            let bytes = length(page.len() - 4)?;
            page[..4].copy_from_slice(&bytes);
        }
        let compression = self.pages.compression;
        let (page, encoding) = if self.is_plain || self.dictionary.starts.is_empty() {
            delta::pack(lengths, &mut page);
            page.extend_from_slice(plain);
            let page = Compressed::new(&page, compression)?;
            (page, Encoding::DELTA_LENGTH_BYTE_ARRAY)
        } else {
            let width = width_of(self.dictionary.starts.len() as u32 - 1);
            let with_codes = |width: u8| {
                let mut page = page.clone();
                page.push(width);
                pack(codes, width, &mut page);
                Compressed::new(&page, compression)
            };
            let page = with_width(width, &mut self.is_wide, with_codes)?;
            (page, Encoding::RLE_DICTIONARY)
        };
        self.pages.add(page, levels.len(), encoding)?;
        self.rows += levels.len();
        self.nulls += levels.len() - values;
        levels.clear();
        codes.clear();
        plain.clear();
        lengths.clear();
        Ok(())
    }

    /// The column's bytes, and what the file's footer is to say of them.
    pub fn finish(mut self) -> Result<(Bytes, ColumnCloseResult)> {
        self.end_page()?;
        if !self.is_plain {
            self.read_dictionary(self.dictionary.starts.len())?;
        }
        let (mut bytes, uncompressed) = self.dictionary_page()?;
        let first = bytes.len() as i64;
        bytes.extend(self.pages.written.into_inner()?);
        let has_dictionary = first > 0;
        let mut encodings = vec![Encoding::RLE];
        encodings.extend(has_dictionary.then_some(Encoding::RLE_DICTIONARY));
        encodings.extend(has_dictionary.then_some(Encoding::PLAIN));
        let has_plain = self.pages.has_plain;
        encodings.extend(has_plain.then_some(Encoding::DELTA_LENGTH_BYTE_ARRAY));
        let metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_encodings(encodings)
            .set_compression(self.pages.compression)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size((uncompressed + self.pages.uncompressed) as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(first)
            .set_statistics(statistics(self.bounds, self.nulls))
            .build()?;
        let mut index = self.pages.index.build();
        for location in &mut index.page_locations {
            location.offset += first;
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: match self.filter {
                Filter::Begun(filter) => Some(filter),
                Filter::None | Filter::Wanted => None,
            },
            // In the order of traces a page has all services, so that its bounds tell nothing.
            column_index: None,
            offset_index: Some(index),
        };
        Ok((bytes.into(), close))
    }

    /// The dictionary with its header, if there is one, and what it takes uncompressed.
    fn dictionary_page(&self) -> Result<(Vec<u8>, usize)> {
        let Dictionary { plain, starts, .. } = &self.dictionary;
        if starts.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let Compressed { bytes, size } = Compressed::new(plain, self.pages.compression)?;
        let page = Page::DictionaryPage {
            buf: bytes,
            num_values: starts.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let page = CompressedPage::new(page, size);
        let mut bytes = TrackedWrite::new(Vec::new());
        let spec = SerializedPageWriter::new(&mut bytes).write_page(page)?;
        Ok((bytes.into_inner()?, spec.uncompressed_size))
    }
}

fn statistics(bounds: Option<(Vec<u8>, Vec<u8>)>, nulls: usize) -> Statistics {
    let is_short = |text: &Vec<u8>| text.len() <= BOUND_BYTES_MAX;
    let bounds = bounds.filter(|(least, most)| is_short(least) && is_short(most));
    let (least, most) = bounds
        .map(|(least, most)| (ByteArray::from(least), ByteArray::from(most)))
        .unzip();
    Statistics::byte_array(least, most, None, Some(nulls as u64), false)
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
        self.has_plain |= encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY;
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
        let Compression::ZSTD(level) = compression else {
            return Err(ParquetError::NYI(format!(
                "texts compressed by {compression}"
            )));
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

/// Different texts in the order in which they came.
#[derive(Default)]
struct Dictionary {
    /// As Parquet writes them: a length, and the text.
    plain: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
    codes: HashTable<u32>,
    hasher: RandomState,
}

impl Dictionary {
    /// The code of a text; `None` if there is no room for it.
    fn code(&mut self, text: &[u8], bytes_max: usize) -> Option<u32> {
        let Self {
            plain,
            starts,
            codes,
            hasher,
        } = self;
        let of = |code: u32| text_at(plain, starts[code as usize]);
        let hash = hasher.hash_one(text);
        if let Some(code) = codes.find(hash, |code| of(*code) == text) {
            return Some(*code);
        }
        if plain.len() + size_of::<u32>() + text.len() > bytes_max {
            return None;
        }
        let code = u32::try_from(starts.len()).ok()?;
        codes.insert_unique(hash, code, |code| hasher.hash_one(of(*code)));
        starts.push(u32::try_from(plain.len()).ok()?);
        put_plain(text, plain).ok()?;
        Some(code)
    }

    fn text(&self, code: usize) -> &[u8] {
        text_at(&self.plain, self.starts[code])
    }
}

fn text_at(plain: &[u8], start: u32) -> &[u8] {
    let (length, rest) = plain[start as usize..]
        .split_first_chunk()
        .expect("each text has its length before it");
    &rest[..u32::from_le_bytes(*length) as usize]
}

fn put_plain(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&length(text.len())?);
    out.extend_from_slice(text);
    Ok(())
}

fn length(bytes: usize) -> Result<[u8; 4]> {
    let bytes = u32::try_from(bytes).map_err(|_| too_long())?;
    Ok(bytes.to_le_bytes())
}

fn too_long() -> ParquetError {
    ParquetError::General("texts of a page are too long".to_owned())
}

/// Bounds that have the text between them.
fn widen(bounds: &mut Option<(Vec<u8>, Vec<u8>)>, text: &[u8]) {
    match bounds {
        None => *bounds = Some((text.to_vec(), text.to_vec())),
        Some((least, _)) if text < least.as_slice() => *least = text.to_vec(),
        Some((_, most)) if text > most.as_slice() => *most = text.to_vec(),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests;
