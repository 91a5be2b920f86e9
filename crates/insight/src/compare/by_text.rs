//! Counts by text: the texts stand one after another in one buffer, so that a new one needs no room of its own.

use std::ops::Range;

use ahash::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::statistics::Count;

#[derive(Debug, Default)]
pub(super) struct ByText {
    hasher: RandomState,
    texts: Vec<u8>,
    counted: HashTable<Counted>,
}

#[derive(Debug)]
struct Counted {
    hash: u64,
    text: Range<usize>,
    count: Count,
}

impl ByText {
    pub fn len(&self) -> usize {
        self.counted.len()
    }

    /// Makes room for so many more texts.
    pub fn reserve(&mut self, more: usize) {
        self.counted.reserve(more, |known| known.hash);
    }

    pub fn add(&mut self, text: &[u8], count: &Count) {
        let hash = self.hasher.hash_one(text);
        let is_same =
            |known: &Counted| known.hash == hash && self.texts[known.text.clone()] == *text;
        match self.counted.entry(hash, is_same, |known| known.hash) {
            Entry::Occupied(mut known) => known.get_mut().count.add(count),
            Entry::Vacant(place) => {
                let start = self.texts.len();
                self.texts.extend_from_slice(text);
                let text = start..self.texts.len();
                let count = *count;
                place.insert(Counted { hash, text, count });
            }
        }
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Count)> {
        let counted = self.counted.iter();
        counted.map(|known| (&self.texts[known.text.clone()], &known.count))
    }
}
