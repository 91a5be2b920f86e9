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
    #[inline]
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
    out.resize(first + count.next_multiple_of(8), 1);
    let numbers = &mut out[first..];
    match width {
        0 => {}
        1 => unpack_few::<1>(bytes, numbers),
        2 => unpack_few::<2>(bytes, numbers),
        3 => unpack_few::<3>(bytes, numbers),
        4 => unpack_few::<4>(bytes, numbers),
        5 => unpack_few::<5>(bytes, numbers),
        6 => unpack_few::<6>(bytes, numbers),
        7 => unpack_few::<7>(bytes, numbers),
        8 => unpack_few::<8>(bytes, numbers),
        16 => unpack_pairs(bytes, numbers),
        _ => unpack_many(bytes, width, numbers),
    }
    out.truncate(first + count);
}

/// Eight numbers at a time, of so few bits that they are in one word: where each begins is known beforehand.
fn unpack_few<const WIDTH: usize>(bytes: &[u8], numbers: &mut [u32]) {
    let (groups, _) = bytes.as_chunks::<WIDTH>();
    let (numbers, _) = numbers.as_chunks_mut::<8>();
    for (group, numbers) in groups.iter().zip(numbers) {
        let mut word = [0; 8];
        word[..WIDTH].copy_from_slice(group);
        let word = u64::from_le_bytes(word);
        for (place, number) in numbers.iter_mut().enumerate() {
            *number = 1 + (word >> (place * WIDTH) & ((1 << WIDTH) - 1)) as u32;
        }
    }
}

/// Numbers of two bytes each.
fn unpack_pairs(bytes: &[u8], numbers: &mut [u32]) {
    let (pairs, _) = bytes.as_chunks();
    for (pair, number) in pairs.iter().zip(numbers) {
        *number = 1 + u32::from(u16::from_le_bytes(*pair));
    }
}

fn unpack_many(bytes: &[u8], width: usize, numbers: &mut [u32]) {
    let mask = u32::MAX >> (32 - width);
    let groups = bytes.chunks_exact(width);
    for (group, numbers) in groups.zip(numbers.chunks_exact_mut(8)) {
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
