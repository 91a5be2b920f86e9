//! Texts: looked up once for each batch that they come with.

use std::borrow::Cow;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::datatypes::Int32Type;
use hashbrown::HashTable;
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;

use super::column::{ABSENT, ColumnEncoder, NO_ROOM, PLAIN, Result, Summary, Values, length};
use super::delta;

/// How texts are written that stand for themselves.
pub(crate) const OF_DIFFERENT_TEXTS: Encoding = Encoding::DELTA_LENGTH_BYTE_ARRAY;
/// The bits for each text in a Bloom filter: of those that a row group lacks, 5% are taken for there. Two bits more are
/// half of it.
const BLOOM_BITS: usize = 7;
/// A filter has blocks of so many.
const BLOOM_BLOCK_BITS: usize = 256;
/// Longer texts are no bounds.
const BOUND_BYTES_MAX: usize = 64;
/// A code that is not known yet.
const UNKNOWN: u32 = u32::MAX;

pub(super) struct Texts {
    dictionary_bytes: usize,
    dictionary: Dictionary,
    /// Of each batch of before its texts, and the codes of those that were needed.
    translated: Vec<Translated>,
    /// Of the page, in place of codes: texts one after another, and the length of each.
    plain: Vec<u8>,
    lengths: Vec<i64>,
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    filter: Filter,
}

/// Rows as codes and what these stand for.
pub(super) type Codes = DictionaryArray<Int32Type>;
type Translated = (ArrayRef, Vec<u32>);

/// Who looks for one text is told by it where that is not.
enum Filter {
    None,
    /// Made of the dictionary, once that is known.
    Wanted,
    Begun(Sbbf),
}

/// One of the batches that rows are taken from.
struct BatchTexts<'a> {
    /// Of each row the place of its text and one; 0 where it has none.
    places: Cow<'a, [i32]>,
    all: &'a ArrayRef,
    texts: &'a StringArray,
    /// For each place what the column has for it, if that is known.
    codes: Vec<u32>,
}

impl<'a> BatchTexts<'a> {
    fn new(batch: &'a Codes, known: Option<Translated>) -> Self {
        let all = batch.values();
        let known = known.filter(|(of, _)| Arc::ptr_eq(of, all));
        let keys = batch.keys();
        let places = match (batch.nulls(), begins_with_none(all)) {
            (None, true) => Cow::Borrowed(&keys.values()[..]),
            _ => Cow::Owned(places_of(batch)),
        };
        let unknown = || {
            let mut codes = vec![UNKNOWN; places_in(all)];
            codes[ABSENT as usize] = ABSENT;
            codes
        };
        Self {
            all,
            texts: all.as_string(),
            codes: known.map_or_else(unknown, |(_, codes)| codes),
            places,
        }
    }

    fn text(&self, place: usize) -> &'a [u8] {
        let before = usize::from(!begins_with_none(self.all));
        self.texts.value(place - before).as_bytes()
    }
}

/// Whether texts are so that a key is a place: the first of them is none, and no other.
fn begins_with_none(texts: &ArrayRef) -> bool {
    texts.null_count() == 1 && texts.is_null(0)
}

fn places_in(texts: &ArrayRef) -> usize {
    texts.len() + usize::from(!begins_with_none(texts))
}

fn places_of(batch: &Codes) -> Vec<i32> {
    let before = i32::from(!begins_with_none(batch.values()));
    let keys = batch.keys().values().iter();
    match batch.logical_nulls() {
        None => keys.map(|key| key + before).collect(),
        Some(nulls) => {
            let places = keys.zip(nulls.iter());
            let places = places.map(|(key, is_valid)| (key + before) * i32::from(is_valid));
            places.collect()
        }
    }
}

impl Texts {
    pub fn new(dictionary_bytes: usize, is_searched: bool) -> Self {
        Self {
            dictionary_bytes,
            dictionary: Dictionary::default(),
            translated: Vec::new(),
            plain: Vec::new(),
            lengths: Vec::new(),
            bounds: None,
            filter: if is_searched {
                Filter::Wanted
            } else {
                Filter::None
            },
        }
    }

    #[inline]
    fn put(&mut self, texts: &mut BatchTexts<'_>, row: usize, is_plain: bool) -> u32 {
        let place = texts.places[row] as usize;
        if is_plain {
            return self.put_plain(texts, place);
        }
        match texts.codes[place] {
            UNKNOWN => self.put_new(texts, place),
            code => code,
        }
    }

    fn put_new(&mut self, texts: &mut BatchTexts<'_>, place: usize) -> u32 {
        let code = self
            .dictionary
            .code(texts.text(place), self.dictionary_bytes);
        let Some(code) = code else {
            return NO_ROOM;
        };
        texts.codes[place] = code + 1;
        code + 1
    }

    fn put_plain(&mut self, texts: &BatchTexts<'_>, place: usize) -> u32 {
        if place == ABSENT as usize {
            return ABSENT;
        }
        let text = texts.text(place);
        self.push_plain(text);
        widen(&mut self.bounds, text);
        if let Filter::Begun(filter) = &mut self.filter {
            filter.insert(text);
        }
        PLAIN
    }

    fn push_plain(&mut self, text: &[u8]) {
        self.plain.extend_from_slice(text);
        self.lengths.push(text.len() as i64);
    }

    /// Takes bounds and the Bloom filter from the dictionary; there will be so many different texts in all.
    fn read_dictionary(&mut self, texts: usize) {
        if let Filter::Wanted = self.filter {
            let blocks = (texts * BLOOM_BITS).div_ceil(BLOOM_BLOCK_BITS).max(1);
            self.filter = Filter::Begun(Sbbf::new(&vec![0; blocks * BLOOM_BLOCK_BITS / 8]));
        }
        for code in 0..self.dictionary.starts.len() {
            let text = self.dictionary.text(code);
            widen(&mut self.bounds, text);
            if let Filter::Begun(filter) = &mut self.filter {
                filter.insert(text);
            }
        }
    }
}

impl ColumnEncoder<Texts> {
    /// Adds rows of several batches, given as (batch, row).
    pub fn push_texts(&mut self, batches: &[&Codes], rows: &[(usize, usize)]) -> Result<()> {
        let mut known = std::mem::take(&mut self.values.translated).into_iter();
        let texts = batches
            .iter()
            .map(|batch| BatchTexts::new(batch, known.next()));
        let mut texts: Vec<BatchTexts> = texts.collect();
        self.push(rows, |values, (batch, row), is_plain| {
            values.put(&mut texts[batch], row, is_plain)
        })?;
        let translated = texts
            .into_iter()
            .map(|texts| (Arc::clone(texts.all), texts.codes));
        self.values.translated = translated.collect();
        Ok(())
    }
}

impl Values for Texts {
    fn count(&self) -> usize {
        self.dictionary.starts.len()
    }

    fn dictionary(&self) -> &[u8] {
        &self.dictionary.plain
    }

    fn plain_bytes(&self) -> usize {
        self.plain.len()
    }

    fn end_plain(&mut self, page: &mut Vec<u8>) {
        delta::pack(&self.lengths, page);
        page.extend_from_slice(&self.plain);
        self.lengths.clear();
        self.plain.clear();
    }

    fn plain_encoding(&self) -> Encoding {
        OF_DIFFERENT_TEXTS
    }

    fn begin_plain(&mut self, codes: Option<&[u32]>, expected: usize) {
        self.read_dictionary(expected);
        if let Some(codes) = codes {
            let dictionary = std::mem::take(&mut self.dictionary);
            for code in codes {
                self.push_plain(dictionary.text(*code as usize));
            }
        }
    }

    fn finish(mut self, nulls: usize) -> Result<Summary> {
        // Unless it was read when it was full.
        if self.bounds.is_none() {
            self.read_dictionary(self.count());
        }
        let is_short = |text: &Vec<u8>| text.len() <= BOUND_BYTES_MAX;
        let bounds = self
            .bounds
            .filter(|(least, most)| is_short(least) && is_short(most));
        let (least, most) = bounds
            .map(|(least, most)| (ByteArray::from(least), ByteArray::from(most)))
            .unzip();
        Ok(Summary {
            statistics: Statistics::byte_array(least, most, None, Some(nulls as u64), false),
            filter: match self.filter {
                Filter::Begun(filter) => Some(filter),
                Filter::None | Filter::Wanted => None,
            },
            // In the order of traces a page has all services, so that its bounds tell nothing.
            bounds_of_pages: None,
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
