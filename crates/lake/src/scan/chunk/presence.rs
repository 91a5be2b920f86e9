//! Which rows of a column have a value: a bit for each, and how many are set before each word of them.

use super::hybrid::Run;

/// Rows from the first on.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// The lowest bits first; those beyond the last row are not set.
    words: Vec<u64>,
    /// The values of the rows before each word, once all rows are there.
    before: Vec<u32>,
    pub rows: usize,
    /// The values of all rows.
    pub values: usize,
}

impl Presence {
    /// Adds rows that all have a value, or have none.
    pub fn add_all(&mut self, has_value: bool, count: usize) {
        let word = if has_value { u64::MAX } else { 0 };
        for done in (0..count).step_by(64) {
            self.add_word(word, 64.min(count - done));
        }
    }

    /// Adds rows by their definition levels.
    pub fn add_levels(&mut self, run: &Run<'_>) {
        match run {
            Run::Repeated { number, count } => self.add_all(*number != 0, *count),
            Run::Packed { bytes, count, .. } => {
                let words = bytes.chunks(8).zip((0..*count).step_by(64));
                for (bytes, done) in words {
                    let mut word = [0; 8];
                    word[..bytes.len()].copy_from_slice(bytes);
                    self.add_word(u64::from_le_bytes(word), 64.min(count - done));
                }
            }
        }
    }

    /// Adds the first rows of a word, at least one.
    fn add_word(&mut self, word: u64, rows: usize) {
        let word = word & u64::MAX >> (64 - rows);
        let at = self.rows % 64;
        match self.words.last_mut() {
            Some(last) if at > 0 => {
                *last |= word << at;
                if at + rows > 64 {
                    self.words.push(word >> (64 - at));
                }
            }
            _ => self.words.push(word),
        }
        self.rows += rows;
        self.values += word.count_ones() as usize;
    }

    /// To be called when all rows are there.
    pub fn finish(&mut self) {
        let mut values = 0;
        let before = self.words.iter().map(|word| {
            let before = values;
            values += word.count_ones();
            before
        });
        self.before = before.collect();
    }

    /// Gives the rows that have a value, or those that have none.
    pub fn each(&self, has_value: bool, mut each: impl FnMut(usize)) {
        for (word, first) in self.words.iter().zip((0..).step_by(64)) {
            let rows = u64::MAX >> (64 - 64.min(self.rows - first));
            let mut left = if has_value { *word } else { !word & rows };
            while left != 0 {
                each(first + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    /// The place of a row's value if it has one.
    pub fn place(&self, row: usize) -> Option<usize> {
        let (word, bit) = (self.words[row / 64], 1 << (row % 64));
        let before = || self.before[row / 64] + (word & (bit - 1)).count_ones();
        (word & bit != 0).then(|| before() as usize)
    }
}
