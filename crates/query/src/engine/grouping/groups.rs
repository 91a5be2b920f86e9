//! Groups by number: the values of each key have numbers, and so have pairs of numbers where there is more than one key.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use crawlspace_lake::{ABSENT, Values};
use datafusion::common::{Result, exec_datafusion_err};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::block::Coded;

/// Pairs of so many are looked up in a table without a hash.
const DENSE_MAX: usize = 1 << 18;
/// So few values of a block have numbers before its rows are looked at.
const FEW_VALUES: usize = 512;
const UNKNOWN: u32 = u32::MAX;
const RECENT: usize = 256;

#[derive(Debug)]
pub(super) struct Groups {
    /// The values of each key. The first of all is none.
    keys: Vec<Numbered>,
    /// For each key but the first: what is before, and its own number.
    pairs: Vec<Pairs>,
    hasher: RandomState,
}

/// Values by number.
#[derive(Debug, Default)]
struct Numbered {
    /// One after another.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    known: HashTable<(u64, u32)>,
    /// Numbers that came lately.
    recent: Recent,
}

/// What came lately of eight bytes each, with its number.
#[derive(Debug)]
struct Recent([(u64, u32); RECENT]);

impl Default for Recent {
    fn default() -> Self {
        Self([(0, UNKNOWN); RECENT])
    }
}

impl Recent {
    fn place(&mut self, word: u64) -> &mut (u64, u32) {
        let mixed = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &mut self.0[(mixed >> 32) as usize % RECENT]
    }
}

/// Pairs of numbers by number.
#[derive(Debug, Default)]
struct Pairs {
    all: Vec<(u32, u32)>,
    known: HashTable<u32>,
}

/// The groups of a block's rows, key by key.
pub(super) struct Keys<'a> {
    groups: &'a mut Groups,
    /// Of each row, of the keys so far.
    of_rows: &'a mut Vec<u32>,
    next: usize,
}

impl Groups {
    pub fn new(keys: usize) -> Self {
        let numbered = || Numbered {
            ends: vec![0],
            ..Numbered::default()
        };
        Self {
            keys: (0..keys).map(|_| numbered()).collect(),
            pairs: (1..keys).map(|_| Pairs::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    pub fn len(&self) -> usize {
        match self.keys.len().checked_sub(1) {
            Some(last) => self.len_of(last),
            None => 1,
        }
    }

    /// How many there are by the keys up to one.
    fn len_of(&self, key: usize) -> usize {
        match key.checked_sub(1) {
            Some(before) => self.pairs[before].all.len(),
            None => self.keys[key].ends.len(),
        }
    }

    pub fn size(&self) -> usize {
        let of_keys = self.keys.iter().map(|key| {
            key.bytes.capacity()
                + key.ends.capacity() * size_of::<usize>()
                + key.known.capacity() * size_of::<(u64, u32)>()
        });
        let of_pairs = self.pairs.iter().map(|pairs| {
            pairs.all.capacity() * size_of::<(u32, u32)>()
                + pairs.known.capacity() * size_of::<u32>()
        });
        of_keys.sum::<usize>() + of_pairs.sum::<usize>()
    }

    /// `of_rows` is where the groups of so many rows will be.
    pub fn begin<'a>(&'a mut self, rows: usize, of_rows: &'a mut Vec<u32>) -> Keys<'a> {
        of_rows.resize(rows, 0);
        Keys {
            groups: self,
            of_rows,
            next: 0,
        }
    }

    /// Adds those of another one; answers the number here of each of them.
    pub fn merge(&mut self, other: &Self) -> Vec<u32> {
        let keys = self.keys.iter_mut().zip(&other.keys);
        let mut numbers = keys.map(|(own, other)| {
            let values =
                (1..other.ends.len()).map(|number| own.number(&self.hasher, other.value(number)));
            std::iter::once(ABSENT).chain(values).collect::<Vec<u32>>()
        });
        let Some(mut places) = numbers.next() else {
            return vec![0];
        };
        for ((own, other), of_key) in self.pairs.iter_mut().zip(&other.pairs).zip(numbers) {
            let all = other.all.iter();
            let all = all.map(|(before, key)| (places[*before as usize], of_key[*key as usize]));
            places = all.map(|pair| own.number(&self.hasher, pair)).collect();
        }
        places
    }

    /// The keys of some groups.
    pub fn arrays(&self, groups: &[u32], types: &[&DataType]) -> Result<Vec<ArrayRef>> {
        let mut groups = groups.to_vec();
        let mut arrays = Vec::new();
        for place in (0..self.keys.len()).rev() {
            let numbers = match place.checked_sub(1) {
                Some(before) => {
                    let pairs = groups.iter_mut().map(|group| {
                        let (first, number) = self.pairs[before].all[*group as usize];
                        *group = first;
                        number
                    });
                    pairs.collect()
                }
                None => groups.clone(),
            };
            arrays.push(self.keys[place].array(&numbers, types[place])?);
        }
        arrays.reverse();
        Ok(arrays)
    }
}

impl Keys<'_> {
    /// One more key: rows of a group that differ in it are of different groups from now on. `chosen` are the rows.
    pub fn add(&mut self, key: &Coded, chosen: Option<&[u32]>) {
        let (numbered, hasher) = (&mut self.groups.keys[self.next], &self.groups.hasher);
        let codes = key.codes_of(chosen);
        let place = self.next;
        self.next += 1;
        if chosen.is_none() && key.values.len() <= FEW_VALUES {
            let all = (0..key.values.len()).map(|of| numbered.number_of(hasher, &key.values, of));
            let numbers: Vec<u32> = std::iter::once(ABSENT).chain(all).collect();
            let of_key = codes.iter().map(|code| numbers[*code as usize]);
            return self.add_numbers(place, of_key);
        }
        // Codes that hardly come again need not be kept.
        let is_kept = key.values.len() <= codes.len() / 2;
        let mut numbers = vec![UNKNOWN; if is_kept { 1 + key.values.len() } else { 1 }];
        numbers[ABSENT as usize] = ABSENT;
        let of_key = codes.iter().map(|code| {
            let Some(number) = numbers.get_mut(*code as usize) else {
                return numbered.number_of(hasher, &key.values, *code as usize - 1);
            };
            if *number == UNKNOWN {
                *number = numbered.number_of(hasher, &key.values, *code as usize - 1);
            }
            *number
        });
        let of_key: Vec<u32> = of_key.collect();
        self.add_numbers(place, of_key.into_iter());
    }

    /// The numbers that the rows have in a key.
    fn add_numbers(&mut self, place: usize, of_key: impl Iterator<Item = u32>) {
        let of_rows = self.of_rows.iter_mut();
        let Some(before) = place.checked_sub(1) else {
            return of_rows
                .zip(of_key)
                .for_each(|(group, number)| *group = number);
        };
        let (width, known) = (
            self.groups.keys[place].ends.len(),
            self.groups.len_of(before),
        );
        let (pairs, hasher) = (&mut self.groups.pairs[before], &self.groups.hasher);
        let is_dense = known.saturating_mul(width) <= DENSE_MAX;
        let mut dense = vec![UNKNOWN; if is_dense { known * width } else { 0 }];
        for (group, number) in of_rows.zip(of_key) {
            let pair = (*group, number);
            let place = *group as usize * width + number as usize;
            *group = match dense.get_mut(place) {
                Some(known) if *known != UNKNOWN => *known,
                Some(known) => {
                    *known = pairs.number(hasher, pair);
                    *known
                }
                None => pairs.number(hasher, pair),
            };
        }
    }
}

impl Numbered {
    fn value(&self, number: usize) -> &[u8] {
        &self.bytes[self.ends[number - 1]..self.ends[number]]
    }

    fn number_of(&mut self, hasher: &RandomState, values: &Values, place: usize) -> u32 {
        match values {
            Values::Texts(texts) => self.number(hasher, texts.value(place)),
            Values::Ints(all) => self.number_of_word(hasher, all[place].cast_unsigned()),
            Values::Doubles(all) => self.number_of_word(hasher, all[place].to_bits()),
            Values::Flags(all) => self.number(hasher, &[u8::from(all[place])]),
        }
    }

    fn number_of_word(&mut self, hasher: &RandomState, word: u64) -> u32 {
        let (known, number) = *self.recent.place(word);
        if known == word && number != UNKNOWN {
            return number;
        }
        let number = self.number(hasher, &word.to_le_bytes());
        *self.recent.place(word) = (word, number);
        number
    }

    fn number(&mut self, hasher: &RandomState, value: &[u8]) -> u32 {
        let hash = hasher.hash_one(value);
        let (bytes, ends) = (&self.bytes, &self.ends);
        let is_same = |known: &(u64, u32)| {
            let number = known.1 as usize;
            known.0 == hash && bytes[ends[number - 1]..ends[number]] == *value
        };
        match self.known.entry(hash, is_same, |known| known.0) {
            Entry::Occupied(known) => known.get().1,
            Entry::Vacant(place) => {
                let number = self.ends.len() as u32;
                self.bytes.extend_from_slice(value);
                self.ends.push(self.bytes.len());
                place.insert((hash, number));
                number
            }
        }
    }

    fn array(&self, numbers: &[u32], data_type: &DataType) -> Result<ArrayRef> {
        let values = numbers
            .iter()
            .map(|number| (*number != ABSENT).then(|| self.value(*number as usize)));
        let word =
            |value: &[u8]| u64::from_le_bytes(value.try_into().expect("numbers have eight bytes"));
        Ok(match data_type {
            DataType::Utf8View => {
                let mut texts = StringViewBuilder::with_capacity(numbers.len());
                for value in values {
                    let text = value.map(std::str::from_utf8).transpose();
                    texts.append_option(
                        text.map_err(|_| exec_datafusion_err!("a stored text is no UTF-8"))?,
                    );
                }
                Arc::new(texts.finish())
            }
            DataType::Boolean => {
                let flags = values.map(|value| value.map(|value| value == [1]));
                Arc::new(flags.collect::<BooleanArray>())
            }
            DataType::Float64 => {
                let numbers = values.map(|value| value.map(|value| f64::from_bits(word(value))));
                Arc::new(numbers.collect::<Float64Array>())
            }
            _ => {
                let numbers = values.map(|value| value.map(|value| word(value).cast_signed()));
                cast(&numbers.collect::<Int64Array>(), data_type)?
            }
        })
    }
}

impl Pairs {
    fn number(&mut self, hasher: &RandomState, pair: (u32, u32)) -> u32 {
        let all = &mut self.all;
        let hash = hasher.hash_one(pair);
        let is_same = |known: &u32| all[*known as usize] == pair;
        let hash_of = |known: &u32| hasher.hash_one(all[*known as usize]);
        match self.known.entry(hash, is_same, hash_of) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let number = place.insert(all.len() as u32);
                let number = *number.get();
                all.push(pair);
                number
            }
        }
    }
}
