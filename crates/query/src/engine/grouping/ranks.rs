//! Values at ranks, exactly: rows are kept as they come, with their groups and roughly how large their values are. What
//! is at a rank is then looked for among the few rows that are about as large.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use crawlspace_lake::Values;

use crate::functions::{integer_of_key, key_of_double, key_of_integer, nearest_rank};

/// Of as many groups the sizes are counted; the rows of more are put together by group.
const COUNTED_GROUPS_MAX: usize = 256;
/// 64 orders of magnitude to the base of 2, each with as many steps as so many bits tell.
const STEP_BITS: u32 = 5;
const SIZES: usize = 64 << STEP_BITS;
const SIZE_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - STEP_BITS;

/// The values of all rows, as keys that order as they do.
#[derive(Debug)]
pub(super) struct Ranks {
    is_integer: bool,
    pieces: Vec<Piece>,
    /// Of each group, its rows by their sizes; nothing where there are too many groups.
    sizes: Option<Vec<u32>>,
    /// Of each group, its rows; in all once there are no sizes.
    counts: Vec<u64>,
}

#[derive(Debug)]
struct Piece {
    /// Of each row its group, or the place of its group and size.
    rows: Vec<u32>,
    is_sized: bool,
    keys: Keys,
    /// Which groups they are; the numbers as they stand without.
    places: Option<Arc<[u32]>>,
}

/// The keys of some rows, which order as their values do.
#[derive(Debug)]
pub(super) enum Keys {
    Made(Vec<u64>),
    /// Of the values of a column, each of which is of one row.
    Of(Arc<Values>),
}

impl Keys {
    fn len(&self) -> usize {
        match self {
            Self::Made(keys) => keys.len(),
            Self::Of(values) => values.len(),
        }
    }

    fn of_row(&self, row: usize) -> u64 {
        match self {
            Self::Made(keys) => keys[row],
            Self::Of(values) => key_of(values, row),
        }
    }
}

/// The key of a number; of what is none, 0.
#[inline]
pub(super) fn key_of(values: &Values, place: usize) -> u64 {
    match values {
        Values::Ints(all) => key_of_integer(all[place]),
        Values::Doubles(all) => key_of_double(all[place]),
        Values::Texts(_) | Values::Flags(_) => 0,
    }
}

impl Piece {
    /// The number of a group.
    fn place(&self, group: usize) -> usize {
        let places = self.places.as_deref();
        places.map_or(group, |places| places[group] as usize)
    }
}

/// The size of positive doubles with these bits, which order as they do; of the others it is 0.
fn size(bits: u64, least: f64) -> u16 {
    let least = least.to_bits() >> SIZE_SHIFT;
    let size = (bits >> SIZE_SHIFT).saturating_sub(least);
    size.min(SIZES as u64 - 1) as u16
}

#[expect(clippy::cast_precision_loss, reason = "numbers stay in their order")]
fn size_of_integer(integer: i64) -> u16 {
    size((integer.max(0) as f64).to_bits(), 1.0)
}

fn size_of_double(key: u64) -> u16 {
    let is_positive = key >= key_of_double(0.0);
    size(
        if is_positive {
            key ^ key_of_double(0.0)
        } else {
            0
        },
        1e-9,
    )
}

/// The place of each row's group and size, which is counted there.
#[inline]
fn counted<T: Copy>(
    counts: &mut [u32],
    groups: &[u32],
    values: &[T],
    size: impl Fn(T) -> u16,
) -> Vec<u32> {
    let rows = groups.iter().zip(values).map(|(group, value)| {
        let place = *group * SIZES as u32 + u32::from(size(*value));
        counts[place as usize] += 1;
        place
    });
    rows.collect()
}

impl Ranks {
    pub fn new(is_integer: bool) -> Self {
        Self {
            is_integer,
            pieces: Vec::new(),
            counts: Vec::new(),
            sizes: Some(Vec::new()),
        }
    }

    pub fn bytes(&self) -> usize {
        let rows: usize = self.pieces.iter().map(|piece| piece.keys.len()).sum();
        let of_row = size_of::<u32>() + size_of::<u64>();
        let sizes = self.sizes.as_ref().map_or(0, Vec::capacity);
        rows * of_row + self.counts.capacity() * size_of::<u64>() + sizes * size_of::<u32>()
    }

    /// How many rows a group has, after [`Self::at`].
    pub fn count(&self, group: usize) -> u64 {
        self.counts[group]
    }

    pub fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        if groups > COUNTED_GROUPS_MAX {
            self.forget_sizes();
        }
        if let Some(sizes) = &mut self.sizes {
            sizes.resize(groups * SIZES, 0);
        }
    }

    /// The rows of each group are left.
    fn forget_sizes(&mut self) -> Option<Vec<u32>> {
        let sizes = self.sizes.take()?;
        for (count, sizes) in self.counts.iter_mut().zip(sizes.chunks_exact(SIZES)) {
            *count += sizes.iter().map(|rows| u64::from(*rows)).sum::<u64>();
        }
        Some(sizes)
    }

    /// Adds rows: the group of each, and its key.
    pub fn add(&mut self, groups: &[u32], keys: Keys) {
        let is_sized = self.sizes.is_some();
        let rows = match (&mut self.sizes, &keys) {
            (Some(sizes), Keys::Made(keys)) if self.is_integer => {
                counted(sizes, groups, keys, |key| {
                    size_of_integer(integer_of_key(key))
                })
            }
            (Some(sizes), Keys::Made(keys)) => counted(sizes, groups, keys, size_of_double),
            (Some(sizes), Keys::Of(values)) => match values.as_ref() {
                Values::Ints(all) if self.is_integer => {
                    counted(sizes, groups, all, size_of_integer)
                }
                Values::Doubles(all) if !self.is_integer => counted(sizes, groups, all, |value| {
                    size_of_double(key_of_double(value))
                }),
                // No such numbers are asked for.
                _ => return,
            },
            (None, _) => {
                super::measure::count(&mut self.counts, groups);
                groups.to_vec()
            }
        };
        self.pieces.push(Piece {
            rows,
            is_sized,
            keys,
            places: None,
        });
    }

    /// Adds those of another one, whose groups are at these places.
    pub fn merge(&mut self, places: &[u32], mut other: Self) {
        if self.sizes.is_none() || other.sizes.is_none() {
            self.forget_sizes();
            other.forget_sizes();
        }
        for (place, count) in places.iter().zip(&other.counts) {
            self.counts[*place as usize] += count;
        }
        if let (Some(sizes), Some(other)) = (&mut self.sizes, &other.sizes) {
            for (place, other) in places.iter().zip(other.chunks_exact(SIZES)) {
                let own = sizes[*place as usize * SIZES..].iter_mut();
                own.zip(other).for_each(|(own, other)| *own += other);
            }
        }
        let places: Arc<[u32]> = places.into();
        self.pieces
            .extend(other.pieces.into_iter().map(|piece| Piece {
                // Merged once: nobody merges what was merged.
                places: Some(Arc::clone(&places)),
                ..piece
            }));
    }

    /// For each group, the key at the nearest rank of each fraction.
    pub fn at(&mut self, fractions: &[f64]) -> Vec<Vec<Option<u64>>> {
        match self.forget_sizes() {
            Some(sizes) => self.among_sizes(&sizes, fractions),
            None => self.among_groups(fractions),
        }
    }

    fn among_sizes(&mut self, sizes: &[u32], fractions: &[f64]) -> Vec<Vec<Option<u64>>> {
        // For each group and fraction: the size that its rank has, and where among those of that size.
        let sought = sizes.chunks_exact(SIZES).zip(&self.counts);
        let sought = sought.map(|(sizes, count)| {
            let sought = fractions.iter().map(|fraction| {
                let rank = nearest_rank(*count as usize, *fraction)?;
                let mut smaller = 0;
                let size = sizes.iter().position(|rows| {
                    smaller += *rows as usize;
                    smaller > rank
                })?;
                Some((size, rank + sizes[size] as usize - smaller))
            });
            sought.collect()
        });
        let sought: Vec<Vec<Option<(usize, usize)>>> = sought.collect();
        let mut of_sizes: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
        for (group, sought) in sought.iter().enumerate() {
            for (size, _) in sought.iter().flatten() {
                let rows = sizes[group * SIZES + size] as usize;
                of_sizes.insert((group, *size), Vec::with_capacity(rows));
            }
        }
        for piece in take(&mut self.pieces) {
            let mut is_sought = vec![false; sizes.len()];
            let groups = piece
                .places
                .as_ref()
                .map_or(sought.len(), |places| places.len());
            for group in 0..groups {
                for (size, _) in sought[piece.place(group)].iter().flatten() {
                    is_sought[group * SIZES + size] = true;
                }
            }
            for (row, sized) in piece.rows.iter().enumerate() {
                if is_sought[*sized as usize] {
                    let (group, size) = (*sized as usize / SIZES, *sized as usize % SIZES);
                    let found = of_sizes.get_mut(&(piece.place(group), size));
                    found.map(|keys| keys.push(piece.keys.of_row(row)));
                }
            }
        }
        let found = sought.iter().enumerate().map(|(group, sought)| {
            let found = sought.iter().map(|sought| {
                let (size, rank) = (*sought)?;
                let keys = of_sizes.get_mut(&(group, size))?;
                Some(*keys.select_nth_unstable(rank).1)
            });
            found.collect()
        });
        found.collect()
    }

    fn among_groups(&mut self, fractions: &[f64]) -> Vec<Vec<Option<u64>>> {
        let mut next = 0;
        let starts = self.counts.iter().map(|count| {
            let start = next;
            next += *count as usize;
            start
        });
        let mut ends: Vec<usize> = starts.collect();
        let mut keys = vec![0; next];
        for piece in take(&mut self.pieces) {
            let of_row = if piece.is_sized { SIZES } else { 1 };
            for (row, group) in piece.rows.iter().enumerate() {
                let end = &mut ends[piece.place(*group as usize / of_row)];
                keys[*end] = piece.keys.of_row(row);
                *end += 1;
            }
        }
        let found = self.counts.iter().zip(&ends).map(|(count, end)| {
            let keys = &mut keys[end - *count as usize..*end];
            let found = fractions.iter().map(|fraction| {
                let rank = nearest_rank(keys.len(), *fraction)?;
                Some(*keys.select_nth_unstable(rank).1)
            });
            found.collect()
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::Arc;

    use crawlspace_lake::Values;

    use super::{Keys, Ranks};
    use crate::functions::{
        double_of_key, integer_of_key, key_of_double, key_of_integer, nearest_rank,
    };

    const FRACTIONS: [f64; 5] = [0.0, 0.5, 0.9, 0.99, 1.0];

    /// Holds what is found of pieces against a sort of each group.
    fn check(is_integer: bool, pieces: &[Vec<(u32, u64)>], groups: u32) {
        let mut all = Ranks::new(is_integer);
        all.resize(groups as usize);
        let mut merged = Ranks::new(is_integer);
        merged.resize(groups as usize);
        // Of the one that is merged, the groups have other numbers.
        let places: Vec<u32> = (0..groups).rev().collect();
        for (number, rows) in pieces.iter().enumerate() {
            let keys = rows.iter().map(|(_, key)| *key);
            // As they are made, and as they stand in a column.
            let keys = match (number % 3, is_integer) {
                (0, _) => Keys::Made(keys.collect()),
                (_, true) => Keys::Of(Arc::new(Values::Ints(keys.map(integer_of_key).collect()))),
                (_, false) => {
                    Keys::Of(Arc::new(Values::Doubles(keys.map(double_of_key).collect())))
                }
            };
            let of_rows = rows.iter().map(|(group, _)| *group);
            match number % 2 {
                0 => all.add(&of_rows.collect::<Vec<u32>>(), keys),
                _ => {
                    let of_rows = of_rows.map(|group| places[group as usize]);
                    merged.add(&of_rows.collect::<Vec<u32>>(), keys);
                }
            }
        }
        all.merge(&places, merged);
        let found = all.at(&FRACTIONS);
        for group in 0..groups {
            let of_group = pieces.iter().flatten().filter(|(of, _)| *of == group);
            let mut keys: Vec<u64> = of_group.map(|(_, key)| *key).collect();
            keys.sort_unstable();
            let expected =
                FRACTIONS.map(|fraction| Some(keys[nearest_rank(keys.len(), fraction)?]));
            assert_eq!(found[group as usize], expected, "group {group}");
        }
    }

    proptest! {
        #[test]
        fn what_is_at_a_rank_is_what_a_sort_has_there(
            pieces in prop::collection::vec(prop::collection::vec((any::<u32>(), any::<f64>(), 0..60u32), 0..200), 0..5),
            groups in prop_oneof![1..6u32, 255..300u32],
        ) {
            for is_integer in [true, false] {
                let key = |double: f64, shift: u32| match is_integer {
                    true => key_of_integer(double.to_bits().cast_signed() >> shift),
                    false => key_of_double(double),
                };
                let rows = |piece: &Vec<(u32, f64, u32)>| {
                    piece.iter().map(|(group, double, shift)| (group % groups, key(*double, *shift))).collect()
                };
                let pieces: Vec<Vec<(u32, u64)>> = pieces.iter().map(rows).collect();
                check(is_integer, &pieces, groups);
            }
        }
    }
}
