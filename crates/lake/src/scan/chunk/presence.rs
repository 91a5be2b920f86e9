//! Which rows of a column have a value, stretch by stretch as Parquet packs it.

use std::ops::Range;

use super::hybrid::Run;

/// Rows from the first on.
#[derive(Debug, Default)]
pub(super) struct Presence {
    stretches: Vec<Stretch>,
    /// Of stretches that have some values: a bit for each row, the lowest first.
    bits: Vec<u8>,
    pub rows: usize,
    /// The values of all rows.
    pub values: usize,
}

#[derive(Debug)]
struct Stretch {
    rows: Range<usize>,
    /// Values of the rows before.
    values: usize,
    which: Which,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    None,
    All,
    /// As bits say, from that byte on.
    Some(usize),
}

impl Presence {
    /// Adds rows that all have a value.
    pub fn add_all(&mut self, count: usize) {
        self.add(count, count, Which::All);
    }

    /// Adds rows by their definition levels.
    pub fn add_levels(&mut self, run: &Run<'_>) {
        match run {
            Run::Repeated { number: 0, count } => self.add(*count, 0, Which::None),
            Run::Repeated { count, .. } => self.add_all(*count),
            Run::Packed { bytes, count, .. } => {
                let first = self.bits.len();
                self.bits.extend_from_slice(bytes);
                self.add(*count, ones(bytes, *count), Which::Some(first));
            }
        }
    }

    fn add(&mut self, rows: usize, values: usize, which: Which) {
        self.stretches.push(Stretch {
            rows: self.rows..self.rows + rows,
            values: self.values,
            which,
        });
        self.rows += rows;
        self.values += values;
    }

    /// Gives the rows that have a value, or those that have none.
    pub fn each(&self, present: bool, mut each: impl FnMut(usize)) {
        for stretch in &self.stretches {
            let rows = stretch.rows.clone();
            match stretch.which {
                Which::Some(first) => {
                    let bits = self.bits[first..].iter();
                    let bits = bits.flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
                    let rows = rows.zip(bits).filter(|(_, has)| *has == present);
                    rows.for_each(|(row, _)| each(row));
                }
                Which::All if present => rows.for_each(&mut each),
                Which::None if !present => rows.for_each(&mut each),
                Which::None | Which::All => {}
            }
        }
    }

    /// For rows in their order, the place of each one's value if it has one.
    pub fn places<'a>(&'a self, rows: &'a [u32]) -> impl Iterator<Item = Option<usize>> + 'a {
        let mut stretches = self.stretches.iter();
        let mut stretch = stretches.next();
        // Of a stretch with bits: the bytes that were counted, and the ones in them.
        let mut counted = (0, 0);
        rows.iter().map(move |row| {
            let row = *row as usize;
            while stretch.is_some_and(|stretch| row >= stretch.rows.end) {
                stretch = stretches.next();
                counted = (0, 0);
            }
            let stretch = stretch?;
            let at = row - stretch.rows.start;
            if !self.has(stretch.which, at) {
                return None;
            }
            let Which::Some(first) = stretch.which else {
                return Some(stretch.values + at);
            };
            let (bytes, before) = counted;
            let more = ones(
                &self.bits[first + bytes..first + at / 8],
                (at / 8 - bytes) * 8,
            );
            counted = (at / 8, before + more);
            let in_byte = ones(&self.bits[first + at / 8..], at % 8);
            Some(stretch.values + before + more + in_byte)
        })
    }

    fn has(&self, which: Which, at: usize) -> bool {
        match which {
            Which::None => false,
            Which::All => true,
            Which::Some(first) => self.bits[first + at / 8] >> (at % 8) & 1 == 1,
        }
    }
}

/// How many of the first bits are set.
fn ones(bytes: &[u8], count: usize) -> usize {
    let (words, bytes_left) = bytes[..count / 8].as_chunks::<8>();
    let words = words
        .iter()
        .map(|word| u64::from_le_bytes(*word).count_ones());
    let ones = words.chain(bytes_left.iter().map(|byte| byte.count_ones()));
    let ones = ones.sum::<u32>() as usize;
    let rest = bytes.get(count / 8).map_or(0, |byte| {
        let mask = (1_u16 << (count % 8)) - 1;
        (u16::from(*byte) & mask).count_ones() as usize
    });
    ones + rest
}
