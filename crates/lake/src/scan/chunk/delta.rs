//! Numbers packed by their differences: blocks of a smallest difference and, in stretches of one width, what each has
//! beyond it.

use super::page::{unzigzag, varint};
use super::{Result, torn};

/// Numbers of a stretch, as they are mostly written.
const STRETCH: usize = 64;
/// Numbers of more bits may begin in one word and end in the next.
const WIDE_BITS: usize = 56;

/// Adds so many numbers to `out`, and gives what comes after them.
pub(super) fn unpack<'a>(
    mut bytes: &'a [u8],
    count: usize,
    out: &mut Vec<i64>,
) -> Result<&'a [u8]> {
    let next = |bytes: &mut &[u8]| varint(bytes).ok_or_else(torn);
    let block = next(&mut bytes)?;
    let stretches = next(&mut bytes)?;
    let stored = next(&mut bytes)?;
    let mut number = unzigzag(next(&mut bytes)?);
    let in_stretch = block.checked_div(stretches).unwrap_or_default();
    let in_stretch = usize::try_from(in_stretch).map_err(|_| torn())?;
    let stretches = usize::try_from(stretches).map_err(|_| torn())?;
    if stored != count as u64 || in_stretch == 0 || !in_stretch.is_multiple_of(8) {
        return Err(torn());
    }
    if count == 0 {
        return Ok(bytes);
    }
    out.reserve(count);
    out.push(number);
    let mut left = count - 1;
    while left > 0 {
        let least = unzigzag(next(&mut bytes)?);
        let (widths, rest) = bytes.split_at_checked(stretches).ok_or_else(torn)?;
        bytes = rest;
        for width in widths.iter().map(|width| usize::from(*width)) {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(torn());
            }
            let length = in_stretch.checked_mul(width).ok_or_else(torn)? / 8;
            let taken = bytes.split_at_checked(length);
            // The last stretch may end with its numbers.
            let (packed, rest) = taken.unwrap_or((bytes, &[]));
            bytes = rest;
            let numbers = in_stretch.min(left);
            if packed.len() * 8 < numbers * width {
                return Err(torn());
            }
            let mut add = |beyond: u64| {
                // What waits for the number before is one addition.
                let difference = least.wrapping_add(beyond.cast_signed());
                number = number.wrapping_add(difference);
                number
            };
            if width <= WIDE_BITS && numbers <= STRETCH {
                // With bytes after them, so that each number is in one word.
                let mut padded = [0; STRETCH * WIDE_BITS / 8 + 8];
                let length = packed.len().min(padded.len() - 8);
                padded[..length].copy_from_slice(&packed[..length]);
                let mask = (1 << width) - 1;
                out.extend((0..numbers).map(|place| {
                    let (byte, bit) = (place * width / 8, place * width % 8);
                    let word = padded[byte..byte + 8].try_into().expect("eight bytes");
                    add(u64::from_le_bytes(word) >> bit & mask)
                }));
            } else {
                out.extend((0..numbers).map(|place| add(bits(packed, place * width, width))));
            }
            left -= numbers;
        }
    }
    Ok(bytes)
}

/// So many bits at a place.
fn bits(bytes: &[u8], place: usize, width: usize) -> u64 {
    if width == 0 {
        return 0;
    }
    let (byte, bit) = (place / 8, place % 8);
    let all = u64::MAX >> (64 - width);
    let mut word = [0; 16];
    let end = bytes.len().min(byte + 16);
    word[..end - byte].copy_from_slice(&bytes[byte..end]);
    (u128::from_le_bytes(word) >> bit) as u64 & all
}
