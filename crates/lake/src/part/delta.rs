//! Packs numbers by their differences, as Parquet does: blocks of a smallest difference and, in stretches of one width,
//! what each has beyond it.

use super::hybrid::put_varint;

/// Numbers of a block, and of each of its stretches.
const BLOCK: usize = 256;
const STRETCH: usize = 64;

/// Adds the numbers to `out`.
pub(super) fn pack(numbers: &[i64], out: &mut Vec<u8>) {
    for head in [BLOCK, BLOCK / STRETCH, numbers.len()] {
        put_varint(head as u64, out);
    }
    put_varint(zigzag(numbers.first().copied().unwrap_or_default()), out);
    let mut beyond = [0; BLOCK];
    let mut left = numbers;
    while left.len() > 1 {
        let count = BLOCK.min(left.len() - 1);
        let differences = left.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let differences = differences.take(count);
        let least = differences.clone().min().unwrap_or_default();
        beyond.fill(0);
        for (beyond, difference) in beyond.iter_mut().zip(differences) {
            *beyond = difference.wrapping_sub(least).cast_unsigned();
        }
        put_varint(zigzag(least), out);
        let widths = beyond.chunks(STRETCH).map(|stretch| {
            let all = stretch.iter().fold(0, |all, number| all | number);
            u64::BITS - all.leading_zeros()
        });
        let first = out.len();
        out.extend(widths.map(|width| width as u8));
        for (place, stretch) in beyond.chunks(STRETCH).enumerate() {
            let width = u32::from(out[first + place]);
            pack_stretch(stretch, width, out);
        }
        left = &left[count..];
    }
}

/// Numbers of so many bits, the lowest first.
fn pack_stretch(numbers: &[u64], width: u32, out: &mut Vec<u8>) {
    let (mut word, mut bits) = (0u128, 0);
    for number in numbers {
        word |= u128::from(*number) << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&(word as u64).to_le_bytes());
            word >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}
