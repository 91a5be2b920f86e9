//! Text by row, each distinct text once.

use std::ops::Range;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{
    Array as _, ArrayBuilder as _, ArrayRef, DictionaryArray, PrimitiveArray, StringBuilder,
};
use arrow::datatypes::Int32Type;

use super::cells::Cells;
use super::short::is_same;

const SLOTS_MIN: usize = 16;

/// A dictionary-encoded column that grows.
///
/// The texts are found by a table of our own: arrow's builder keeps its hashes apart from the codes, and can't repeat a
/// code that is known.
pub(super) struct Dictionary {
    codes: Cells<i32>,
    texts: StringBuilder,
    /// Open addressing: of each text 32 bits of its hash, and its code + 1 below them; 0 is a free slot. A power of two
    /// of them, at most half in use.
    slots: Vec<u64>,
    hasher: RandomState,
}

/// Where a text belongs that is not there yet, and its hash.
pub(super) struct FreeSlot {
    at: usize,
    hash: u64,
}

impl Dictionary {
    pub(super) fn new() -> Self {
        Self {
            codes: Cells::default(),
            texts: StringBuilder::with_capacity(SLOTS_MIN, 0),
            slots: vec![0; SLOTS_MIN],
            hasher: RandomState::new(),
        }
    }

    pub(super) fn put(&mut self, row: usize, text: &str, room: usize) {
        let code = match self.find(text.as_bytes()) {
            Ok(code) => code,
            Err(slot) => self.add(text, slot),
        };
        self.put_code(row, code, room);
    }

    #[inline]
    pub(super) fn put_code(&mut self, row: usize, code: i32, room: usize) {
        self.codes.put(row, code, room);
    }

    /// Gives `rows` the text of `row`.
    pub(super) fn repeat(&mut self, row: usize, rows: Range<usize>) {
        self.codes.repeat(row, rows);
    }

    /// The code of a text, or where it belongs.
    #[inline]
    pub(super) fn find(&self, text: &[u8]) -> Result<i32, FreeSlot> {
        let hash = self.hasher.hash_one(text) >> 32;
        let mut at = self.first_slot(hash);
        while self.slots[at] != 0 {
            let (of_slot, code) = (self.slots[at] >> 32, (self.slots[at] as u32) - 1);
            if of_slot == hash && is_same(self.text(code as usize), text) {
                return Ok(code.cast_signed());
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        Err(FreeSlot { at, hash })
    }

    fn add(&mut self, text: &str, FreeSlot { at, hash }: FreeSlot) -> i32 {
        let code = u32::try_from(self.texts.len()).expect("a batch has fewer rows than 2^31");
        self.texts.append_value(text);
        self.slots[at] = hash << 32 | u64::from(code + 1);
        if self.texts.len() * 2 > self.slots.len() {
            self.grow();
        }
        code.cast_signed()
    }

    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn text(&self, code: usize) -> &[u8] {
        let offsets = self.texts.offsets_slice();
        let (start, end) = (offsets[code] as usize, offsets[code + 1] as usize);
        &self.texts.values_slice()[start..end]
    }

    fn grow(&mut self) {
        let length = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![0; length]);
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let mut at = self.first_slot(slot >> 32);
            while self.slots[at] != 0 {
                at = (at + 1) & (length - 1);
            }
            self.slots[at] = slot;
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        let (codes, valid) = self.codes.finish(rows);
        let codes = PrimitiveArray::<Int32Type>::new(codes, valid);
        let mut texts = self.texts.finish();
        texts.shrink_to_fit();
        Arc::new(DictionaryArray::new(codes, Arc::new(texts)))
    }
}
