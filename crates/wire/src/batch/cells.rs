//! Values by row. Rows come in order, but not every row has a value: those without are null, and cost nothing when the
//! others are put.

use std::ops::Range;

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;

/// The rows for which there is room at first.
pub(super) const ROWS_MIN: usize = 64;

/// Room for index `at` and as much again, or for so many if that is more.
#[inline]
fn make_room<T: Clone + Default>(values: &mut Vec<T>, at: usize, room: usize) {
    if at >= values.len() {
        grow(values, at, room);
    }
}

#[cold]
fn grow<T: Clone + Default>(values: &mut Vec<T>, at: usize, room: usize) {
    let length = (at + 1).next_power_of_two();
    values.resize(length.max(room), T::default());
}

/// A bit for each row; counts how many are set.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    set: usize,
}

impl Bits {
    /// Each bit is set once. When there is no room for it, so many are expected.
    #[inline]
    pub(super) fn set(&mut self, row: usize, room: usize) {
        make_room(&mut self.bytes, row / 8, room.div_ceil(8));
        self.bytes[row / 8] |= 1 << (row % 8);
        self.set += 1;
    }

    fn get(&self, row: usize) -> bool {
        let byte = self.bytes.get(row / 8);
        byte.is_some_and(|byte| byte & (1 << (row % 8)) != 0)
    }

    /// Gives `rows` the bit that `row` has.
    pub(super) fn repeat(&mut self, row: usize, rows: Range<usize>) {
        if self.get(row) {
            let room = rows.end;
            rows.for_each(|row| self.set(row, room));
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> BooleanBuffer {
        self.bytes.resize(rows.div_ceil(8), 0);
        BooleanBuffer::new(Buffer::from_vec(self.bytes), 0, rows)
    }

    pub(super) fn finish_validity(self, rows: usize) -> Option<NullBuffer> {
        (self.set < rows).then(|| NullBuffer::new(self.finish(rows)))
    }
}

/// Numbers by row.
#[derive(Default)]
pub(super) struct Cells<T> {
    values: Vec<T>,
    valid: Bits,
}

impl<T: ArrowNativeType> Cells<T> {
    #[inline]
    pub(super) fn put(&mut self, row: usize, value: T, room: usize) {
        make_room(&mut self.values, row, room);
        self.values[row] = value;
        self.valid.set(row, room);
    }

    /// Gives `rows` the value of `row`.
    pub(super) fn repeat(&mut self, row: usize, rows: Range<usize>) {
        if !rows.is_empty() {
            make_room(&mut self.values, rows.end - 1, rows.end);
            let value = self.values[row];
            self.values[rows.clone()].fill(value);
            self.valid.repeat(row, rows);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> (ScalarBuffer<T>, Option<NullBuffer>) {
        self.values.resize(rows, T::default());
        (self.values.into(), self.valid.finish_validity(rows))
    }
}

/// Byte strings of one width by row.
pub(super) struct Slices {
    width: usize,
    bytes: Vec<u8>,
    valid: Bits,
}

impl Slices {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            bytes: Vec::new(),
            valid: Bits::default(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// # Panics
    /// When `bytes` are not as wide as the column.
    pub(super) fn put(&mut self, row: usize, bytes: &[u8], room: usize) {
        let start = row * self.width;
        make_room(&mut self.bytes, start + self.width - 1, room * self.width);
        self.bytes[start..start + self.width].copy_from_slice(bytes);
        self.valid.set(row, room);
    }

    pub(super) fn finish(mut self, rows: usize) -> (Buffer, Option<NullBuffer>) {
        self.bytes.resize(rows * self.width, 0);
        (self.bytes.into(), self.valid.finish_validity(rows))
    }
}
