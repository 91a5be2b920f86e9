//! The pages of a column chunk: their headers, which are Thrift's compact protocol, and their bytes as they were before
//! compression. One decompressor serves all chunks of a thread.

use std::borrow::Cow;
use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use zstd::bulk::Decompressor;

use super::{Result, torn};

/// Larger pages are not written.
const PAGE_BYTES_MAX: usize = 1 << 30;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    /// The differences of numbers, packed.
    Delta,
    /// The lengths of texts as differences, then texts.
    Lengths,
    /// Places in the dictionary.
    Dictionary,
}

pub(super) struct Page<'a> {
    pub is_dictionary: bool,
    pub count: usize,
    pub encoding: Encoding,
    pub bytes: Cow<'a, [u8]>,
}

/// The pages of a chunk, one after another.
pub(super) struct Pages<'a> {
    pub bytes: &'a [u8],
    pub compression: Compression,
}

/// The one page that some bytes are, for Parquet's reader.
pub(in crate::scan) fn page_of(
    bytes: &Bytes,
    compression: Compression,
) -> Result<parquet::column::page::Page> {
    use parquet::basic::Encoding as Written;
    use parquet::column::page::Page as Given;
    let page = Pages { bytes, compression }.next()?;
    let num_values = u32::try_from(page.count).map_err(|_| torn())?;
    let buf = match page.bytes {
        Cow::Owned(decompressed) => decompressed.into(),
        Cow::Borrowed(stored) => bytes.slice_ref(stored),
    };
    let encoding = match page.encoding {
        Encoding::Plain => Written::PLAIN,
        Encoding::Delta => Written::DELTA_BINARY_PACKED,
        Encoding::Lengths => Written::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::Dictionary => Written::RLE_DICTIONARY,
    };
    Ok(match page.is_dictionary {
        true => Given::DictionaryPage {
            buf,
            num_values,
            encoding: Written::PLAIN,
            is_sorted: false,
        },
        false => Given::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Written::RLE,
            rep_level_encoding: Written::RLE,
            statistics: None,
        },
    })
}

impl<'a> Pages<'a> {
    pub fn next(&mut self) -> Result<Page<'a>> {
        let mut thrift = Thrift(self.bytes);
        let header = Header::read(&mut thrift)?;
        let (stored, rest) = thrift.0.split_at_checked(header.stored).ok_or_else(torn)?;
        self.bytes = rest;
        let encoding = match header.encoding {
            0 => Encoding::Plain,
            5 => Encoding::Delta,
            6 => Encoding::Lengths,
            2 | 8 => Encoding::Dictionary,
            other => return Err(ParquetError::NYI(format!("encoding {other}"))),
        };
        Ok(Page {
            is_dictionary: header.kind == 2,
            count: header.count,
            encoding,
            bytes: self.decompressed(stored, header.size)?,
        })
    }

    fn decompressed(&self, stored: &'a [u8], size: usize) -> Result<Cow<'a, [u8]>> {
        match self.compression {
            Compression::UNCOMPRESSED => Ok(Cow::Borrowed(stored)),
            Compression::ZSTD(_) if size <= PAGE_BYTES_MAX => {
                DECOMPRESSOR.with_borrow_mut(|known| {
                    let decompressor = match known {
                        Some(decompressor) => decompressor,
                        None => known.insert(Decompressor::new()?),
                    };
                    Ok(Cow::Owned(decompressor.decompress(stored, size)?))
                })
            }
            other => Err(ParquetError::NYI(format!(
                "pages of {size} bytes by {other}"
            ))),
        }
    }
}

/// What we need of a page's header.
#[derive(Default)]
struct Header {
    /// 0: values, 2: the dictionary.
    kind: i64,
    size: usize,
    stored: usize,
    count: usize,
    encoding: i64,
}

impl Header {
    fn read(from: &mut Thrift<'_>) -> Result<Self> {
        let mut header = Self::default();
        let mut last = 0;
        while let Some((field, kind)) = from.field(&mut last)? {
            match (field, kind) {
                (1, I32) => header.kind = from.number()?,
                (2, I32) => header.size = from.length()?,
                (3, I32) => header.stored = from.length()?,
                (5 | 7, STRUCT) => {
                    let mut last = 0;
                    while let Some((field, kind)) = from.field(&mut last)? {
                        match (field, kind) {
                            (1, I32) => header.count = from.length()?,
                            (2, I32) => header.encoding = from.number()?,
                            _ => from.skip(kind)?,
                        }
                    }
                }
                _ => from.skip(kind)?,
            }
        }
        match header.kind {
            0 | 2 => Ok(header),
            other => Err(ParquetError::NYI(format!("pages of kind {other}"))),
        }
    }
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Thrift's compact protocol, as far as headers of pages have it.
struct Thrift<'a>(&'a [u8]);

impl Thrift<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(torn)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        varint(&mut self.0).ok_or_else(torn)
    }

    fn number(&mut self) -> Result<i64> {
        Ok(unzigzag(self.varint()?))
    }

    fn length(&mut self) -> Result<usize> {
        usize::try_from(self.number()?).map_err(|_| torn())
    }

    /// The next field's number and type; nothing at the end of a struct.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>> {
        let byte = self.take(1)?[0];
        if byte == 0 {
            return Ok(None);
        }
        *last = match i64::from(byte >> 4) {
            0 => self.number()?,
            more => *last + more,
        };
        Ok(Some((*last, byte & 0x0f)))
    }

    fn skip(&mut self, kind: u8) -> Result<()> {
        match kind {
            TRUE | FALSE => {}
            BYTE => _ = self.take(1)?,
            I16 | I32 | I64 => _ = self.varint()?,
            DOUBLE => _ = self.take(8)?,
            BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| torn())?;
                self.take(length)?;
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    // Statistics have no structs in them.
                    if kind == STRUCT {
                        return Err(torn());
                    }
                    self.skip(kind)?;
                }
            }
            _ => return Err(torn()),
        }
        Ok(())
    }
}

/// A number in groups of seven bits, the lowest first.
pub(super) fn varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
