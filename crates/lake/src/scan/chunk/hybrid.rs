//! Small numbers as Parquet packs them: a number and how often it comes, or eight at a time with only the bits they need.

use super::page::varint;

/// A stretch of numbers.
pub(super) enum Run<'a> {
    Repeated {
        number: u32,
        count: usize,
    },
    /// The first `count` numbers of `width` bits each, the lowest bits first.
    Packed {
        bytes: &'a [u8],
        width: usize,
        count: usize,
    },
}

/// The stretches of so many numbers.
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    width: usize,
    left: usize,
}

impl<'a> Runs<'a> {
    /// `None` where numbers would be wider than any is.
    pub fn new(bytes: &'a [u8], width: usize, count: usize) -> Option<Self> {
        (width <= 32).then_some(Self {
            bytes,
            width,
            left: count,
        })
    }

    /// The next stretch; an error where the bytes end too soon.
    pub fn next(&mut self) -> Result<Option<Run<'a>>, Torn> {
        if self.left == 0 {
            return Ok(None);
        }
        let header = varint(&mut self.bytes).ok_or(Torn)?;
        let count = usize::try_from(header >> 1).map_err(|_| Torn)?;
        if header & 1 == 1 {
            let bytes = self.take(count.checked_mul(self.width).ok_or(Torn)?)?;
            let count = count.saturating_mul(8).min(self.left);
            self.left -= count;
            let width = self.width;
            return Ok(Some(Run::Packed {
                bytes,
                width,
                count,
            }));
        }
        let mut number = [0; 4];
        let bytes = self.take(self.width.div_ceil(8))?;
        number[..bytes.len()].copy_from_slice(bytes);
        let count = count.min(self.left);
        // A stretch of nothing would never end.
        self.left -= if count == 0 { return Err(Torn) } else { count };
        Ok(Some(Run::Repeated {
            number: u32::from_le_bytes(number),
            count,
        }))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Torn> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Torn)?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// The bytes end before the numbers do.
#[derive(Debug)]
pub(super) struct Torn;

/// Adds the numbers of a packed stretch to `out`, each plus one.
pub(super) fn unpack(bytes: &[u8], width: usize, count: usize, out: &mut Vec<u32>) {
    let first = out.len();
    if width == 0 {
        out.resize(first + count, 1);
        return;
    }
    out.resize(first + count.next_multiple_of(8), 0);
    let mask = u32::MAX >> (32 - width);
    let groups = bytes.chunks_exact(width);
    for (group, numbers) in groups.zip(out[first..].chunks_exact_mut(8)) {
        if width <= 8 {
            let mut word = [0; 8];
            word[..width].copy_from_slice(group);
            let word = u64::from_le_bytes(word);
            for (place, number) in numbers.iter_mut().enumerate() {
                *number = ((word >> (place * width)) as u32 & mask).saturating_add(1);
            }
        } else {
            let mut padded = [0; 40];
            padded[..width].copy_from_slice(group);
            for (place, number) in numbers.iter_mut().enumerate() {
                let (byte, bit) = (place * width / 8, place * width % 8);
                let word: [u8; 8] = padded[byte..byte + 8].try_into().expect("eight bytes");
                let word = u64::from_le_bytes(word);
                *number = ((word >> bit) as u32 & mask).saturating_add(1);
            }
        }
    }
    out.truncate(first + count);
}
