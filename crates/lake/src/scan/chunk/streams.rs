//! Words of eight bytes whose first bytes lie side by side, then their second ones, and so on.

use super::{Result, torn};

/// The bytes of a word, and as many words are put together at a time.
const BYTES: usize = 8;

/// Gives so many words.
pub(super) fn join(bytes: &[u8], count: usize, mut give: impl FnMut([u8; BYTES])) -> Result<()> {
    let length = count.checked_mul(BYTES).ok_or_else(torn)?;
    let bytes = bytes.get(..length).ok_or_else(torn)?;
    let stream = |byte: usize| &bytes[byte * count..(byte + 1) * count];
    let streams: [&[u8]; BYTES] = std::array::from_fn(stream);
    let eights = streams.map(|stream| stream.as_chunks::<BYTES>().0);
    for place in 0..count / BYTES {
        let eight = eights.map(|eights| u64::from_le_bytes(eights[place]));
        for word in turned(eight) {
            give(word.to_le_bytes());
        }
    }
    for place in count - count % BYTES..count {
        give(streams.map(|stream| stream[place]));
    }
    Ok(())
}

/// Rows of bytes as columns: of each pair of squares that lie across from each other, halves change places, then quarters
/// of these, then bytes.
fn turned(mut rows: [u64; BYTES]) -> [u64; BYTES] {
    let steps = [
        (4, 0x0000_0000_ffff_ffff),
        (2, 0x0000_ffff_0000_ffff),
        (1, 0x00ff_00ff_00ff_00ff),
    ];
    for (distance, mask) in steps {
        for upper in (0..BYTES).filter(|row| row & distance == 0) {
            let (lower, bits) = (upper + distance, 8 * distance);
            let changed = (rows[upper] >> bits ^ rows[lower]) & mask;
            rows[lower] ^= changed;
            rows[upper] ^= changed << bits;
        }
    }
    rows
}
