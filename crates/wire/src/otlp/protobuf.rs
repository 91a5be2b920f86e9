//! Protobuf's encoding, read where it stands: tags, numbers, texts and messages are taken from the bytes one after the
//! other, and what is not known is passed over.
//!
//! Source: protobuf.dev, "Encoding". Where that leaves a choice, it is prost's: numbers of more than 64 bits are
//! errors, texts are UTF-8, and messages and groups nest 100 deep.

use std::str;

/// Messages within messages, the request itself not counted.
pub(super) const DEPTH_MAX: u32 = 100;

/// What is no message. Boxed, so that results of the functions here fit into registers.
#[derive(Debug)]
pub(super) struct Malformed(Box<Fault>);

#[derive(Debug)]
struct Fault {
    what: &'static str,
    /// The address of the byte.
    at: usize,
}

impl Malformed {
    #[cold]
    fn at(rest: &[u8], what: &'static str) -> Self {
        Self(Box::new(Fault {
            what,
            at: rest.as_ptr().addr(),
        }))
    }

    pub(super) fn what(&self) -> &'static str {
        self.0.what
    }

    /// The byte of `body`, of which some part was read, at which the fault is.
    pub(super) fn offset_in(&self, body: &[u8]) -> usize {
        self.0.at.saturating_sub(body.as_ptr().addr())
    }
}

type Result<T> = std::result::Result<T, Malformed>;

/// What a field is, before its value. Whether there is such a number and encoding is found out when the value is
/// [skipped](Reader::skip): no field that is known has another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) field: u32,
    encoding: u32,
}

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
const FIXED32: u32 = 5;

/// The rest of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// How deep messages in this one may nest.
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            depth: DEPTH_MAX,
        }
    }

    /// The next field's; none at the end.
    #[inline]
    pub(super) fn tag(&mut self) -> Result<Option<Tag>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let at = self.rest;
        let key = u32::try_from(self.varint()?)
            .map_err(|_| Malformed::at(at, "the number of a field is too large"))?;
        Ok(Some(Tag {
            field: key >> 3,
            encoding: key & 7,
        }))
    }

    /// The key and the text of a `KeyValue`, if it is written as it mostly is: these two in their order and nothing else,
    /// neither of them long.
    #[inline]
    pub(super) fn plain_entry(self) -> Option<(&'a [u8], &'a [u8])> {
        const KEY: u8 = (1 << 3 | LENGTH) as u8;
        const VALUE: u8 = (2 << 3 | LENGTH) as u8;
        const TEXT: u8 = (1 << 3 | LENGTH) as u8;
        let [KEY, length @ ..0x80, rest @ ..] = self.rest else {
            return None;
        };
        let (key, rest) = rest.split_at_checked(usize::from(*length))?;
        let [VALUE, outer @ ..0x80, TEXT, inner @ ..0x80, text @ ..] = rest else {
            return None;
        };
        let (outer, inner) = (usize::from(*outer), usize::from(*inner));
        (outer == text.len() + 2 && inner == text.len()).then_some((key, text))
    }

    #[inline]
    fn expect(&self, tag: Tag, encoding: u32) -> Result<()> {
        if tag.encoding != encoding {
            return Err(Malformed::at(self.rest, "a field has another type"));
        }
        Ok(())
    }

    #[inline]
    fn varint(&mut self) -> Result<u64> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok((*byte).into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64> {
        let mut number = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * index);
            // The tenth byte has the last of 64 bits.
            if index == 9 && *byte > 1 {
                break;
            }
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(number);
            }
        }
        Err(Malformed::at(self.rest, "a number does not end"))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(length).ok();
        let split = split.and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) =
            split.ok_or_else(|| Malformed::at(self.rest, "a field is longer than its message"))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn number(&mut self, tag: Tag) -> Result<u64> {
        self.expect(tag, VARINT)?;
        self.varint()
    }

    /// An `int32` or an enum; of longer numbers the lower half counts.
    #[inline]
    pub(super) fn int32(&mut self, tag: Tag) -> Result<i32> {
        Ok(self.number(tag)? as i32)
    }

    #[inline]
    pub(super) fn uint32(&mut self, tag: Tag) -> Result<u32> {
        Ok(self.number(tag)? as u32)
    }

    /// A zigzag number.
    pub(super) fn sint32(&mut self, tag: Tag) -> Result<i32> {
        let number = self.uint32(tag)?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    #[inline]
    pub(super) fn flag(&mut self, tag: Tag) -> Result<bool> {
        Ok(self.number(tag)? != 0)
    }

    #[inline]
    pub(super) fn fixed64(&mut self, tag: Tag) -> Result<u64> {
        self.expect(tag, FIXED64)?;
        self.fixed().map(u64::from_le_bytes)
    }

    #[inline]
    pub(super) fn fixed32(&mut self, tag: Tag) -> Result<u32> {
        self.expect(tag, FIXED32)?;
        self.fixed().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn double(&mut self, tag: Tag) -> Result<f64> {
        self.fixed64(tag).map(f64::from_bits)
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| Malformed::at(self.rest, "a number is cut off"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    pub(super) fn bytes(&mut self, tag: Tag) -> Result<&'a [u8]> {
        self.expect(tag, LENGTH)?;
        let length = self.varint()?;
        self.take(length)
    }

    #[inline]
    pub(super) fn text(&mut self, tag: Tag) -> Result<&'a str> {
        self.bytes(tag).and_then(text)
    }

    /// A message in this one.
    #[inline]
    pub(super) fn message(&mut self, tag: Tag) -> Result<Reader<'a>> {
        self.expect(tag, LENGTH)?;
        let depth = self.inner_depth()?;
        let length = self.varint()?;
        let rest = self.take(length)?;
        Ok(Reader { rest, depth })
    }

    #[inline]
    fn inner_depth(&self) -> Result<u32> {
        let depth = self.depth.checked_sub(1);
        depth.ok_or_else(|| Malformed::at(self.rest, "messages are nested deeper than 100"))
    }

    /// Adds a number of a list, or all of a packed one.
    pub(super) fn number_list(&mut self, tag: Tag, list: &mut Vec<u64>) -> Result<()> {
        if tag.encoding != LENGTH {
            list.push(self.number(tag)?);
            return Ok(());
        }
        let mut packed = Reader {
            rest: self.bytes(tag)?,
            ..*self
        };
        while !packed.rest.is_empty() {
            list.push(packed.varint()?);
        }
        Ok(())
    }

    /// Like [`number_list`](Self::number_list), for numbers of 64 bits.
    pub(super) fn fixed64_list<T>(
        &mut self,
        tag: Tag,
        list: &mut Vec<T>,
        from_bits: impl Fn(u64) -> T,
    ) -> Result<()> {
        if tag.encoding != LENGTH {
            list.push(from_bits(self.fixed64(tag)?));
            return Ok(());
        }
        let mut packed = Reader {
            rest: self.bytes(tag)?,
            ..*self
        };
        while !packed.rest.is_empty() {
            list.push(from_bits(packed.fixed().map(u64::from_le_bytes)?));
        }
        Ok(())
    }

    /// Passes over the value of a field that is not known.
    pub(super) fn skip(&mut self, tag: Tag) -> Result<()> {
        let depth = self.inner_depth()?;
        if tag.field == 0 {
            return Err(Malformed::at(self.rest, "the number of a field is 0"));
        }
        match tag.encoding {
            VARINT => _ = self.varint()?,
            FIXED64 => _ = self.take(8)?,
            FIXED32 => _ = self.take(4)?,
            LENGTH => {
                let length = self.varint()?;
                self.take(length)?;
            }
            GROUP_START => self.skip_group(tag, depth)?,
            GROUP_END => {
                return Err(Malformed::at(self.rest, "a group ends that did not start"));
            }
            _ => return Err(Malformed::at(self.rest, "a field has no known encoding")),
        }
        Ok(())
    }

    fn skip_group(&mut self, start: Tag, depth: u32) -> Result<()> {
        loop {
            let at = self.rest;
            let Some(tag) = self.tag()? else {
                return Err(Malformed::at(at, "a group does not end"));
            };
            if tag.encoding == GROUP_END {
                if tag.field == start.field {
                    return Ok(());
                }
                return Err(Malformed::at(at, "a group ends that did not start"));
            }
            let mut inner = Reader { depth, ..*self };
            inner.skip(tag)?;
            self.rest = inner.rest;
        }
    }
}

/// # Errors
/// Those of bytes that are no UTF-8.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| Malformed::at(bytes, "a text is not UTF-8"))
}
