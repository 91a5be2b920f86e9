//! Packs small numbers as Parquet does: a number and how often it comes, or eight at a time with only the bits they need.

/// As many numbers are packed at a time; so many equal ones are a run.
const EIGHT: usize = 8;

/// The bits that numbers up to `most` need.
pub(super) fn width_of(most: u32) -> u8 {
    u8::try_from(u32::BITS - most.leading_zeros()).expect("at most 32")
}

/// Adds the numbers to `out`, none of which needs more bits than `width`.
pub(super) fn pack(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    let mut left = numbers;
    while let Some(first) = left.first() {
        let equal = left.iter().take_while(|number| *number == first).count();
        if equal >= EIGHT || equal == left.len() {
            repeat(*first, equal, width, out);
            left = &left[equal..];
            continue;
        }
        let mut packed = EIGHT.min(left.len());
        while packed < left.len() && !begins_run(&left[packed..]) {
            packed = (packed + EIGHT).min(left.len());
        }
        put_varint((packed.div_ceil(EIGHT) << 1 | 1) as u64, out);
        left[..packed]
            .chunks(EIGHT)
            .for_each(|eight| pack_eight(eight, width, out));
        left = &left[packed..];
    }
}

/// Adds a number that comes `count` times.
pub(super) fn repeat(number: u32, count: usize, width: u8, out: &mut Vec<u8>) {
    put_varint((count as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..usize::from(width.div_ceil(8))]);
}

fn begins_run(numbers: &[u32]) -> bool {
    let eight = numbers.first_chunk::<EIGHT>();
    eight.is_some_and(|eight| eight.iter().all(|number| *number == eight[0]))
}

/// Up to eight numbers, the lowest bits first; zeros stand for those that are missing.
fn pack_eight(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    let (mut word, mut bits) = (0u64, 0);
    let end = out.len() + usize::from(width);
    for number in numbers {
        word |= u64::from(*number) << bits;
        bits += width;
        if bits >= 32 {
            out.extend_from_slice(&(word as u32).to_le_bytes());
            word >>= 32;
            bits -= 32;
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    out.resize(end, 0);
}

/// A number in groups of seven bits, the lowest first.
pub(super) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
