//! What one field has on both sides, counted: each value as long as there are not too many, then numbers by fine steps
//! and texts by a hash, so that memory is bounded and no event is left out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use crawlspace_query::{Chunk, Values as ChunkValues};

use super::by_text::ByText;
use super::coder::{Column, raw};
use super::events::Events;
use super::statistics::{Count, log_bound};
use super::traces::NumberHasher;
use super::value::{Kind, Raw, Value, key_of_double};

/// A field with more different values is counted by steps or by hash.
pub(super) const VALUES_EXACT_MAX: usize = 1 << 15;
/// Numbers with at most so many different values are tested value by value, too.
pub(super) const NUMBERS_AS_VALUES_MAX: usize = 256;
/// Steps of numbers keep sign, exponent and 7 bits of the mantissa: 0.8% wide.
const STEP_SHIFT: u32 = 45;
const BUCKET_BITS: u32 = 16;
/// Of a field's buckets, so many are looked into at most.
const BUCKETS_LOOKED_INTO_MAX: usize = 256;
/// The logarithm of how unlikely a bucket has to be.
const BUCKET_LOG_BOUND: f64 = -14.0;
const DISTINCT_SAMPLE_MAX: usize = 4_096;

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub kind: Option<Kind>,
    /// Whether it has no column, and is read from the overflow.
    pub is_in_overflow: bool,
    /// Whether values are times or ids of traces and events, which say when and which, and not what.
    pub is_presence_only: bool,
    /// Whether an event was seen, so that its kind is known.
    pub is_settled: bool,
    pub present: Count,
    pub values: Values,
}

#[derive(Debug)]
pub(super) enum Values {
    /// Each value. Numbers are in the order of their keys when that is asked for.
    Texts(ByText),
    Numbers(ByKey),
    Steps(Box<Steps>),
    Buckets(Box<Buckets>),
}

type ByKey = HashMap<u64, Count, BuildHasherDefault<NumberHasher>>;

/// Numbers by steps.
#[derive(Debug)]
pub(super) struct Steps {
    kind: Option<Kind>,
    /// For each step there may be, its place in `counts` plus one, if it has come. Those that come are near each other.
    places: Vec<u32>,
    /// By the first key of each.
    counts: Vec<(u64, Count)>,
}

/// Texts by hash.
#[derive(Debug)]
pub(super) struct Buckets {
    rows: Vec<[u32; 2]>,
    distinct: Distinct,
    /// Whether each is looked into, and what is found there; nothing before they are chosen.
    wanted: Vec<bool>,
    pub found: ByText,
}

impl Field {
    pub fn new(name: &str, kind: Option<Kind>, is_in_overflow: bool) -> Self {
        let values = match kind {
            Some(Kind::Text) | None => Values::Texts(ByText::default()),
            Some(_) => Values::Numbers(ByKey::default()),
        };
        Self {
            name: name.to_owned(),
            kind,
            is_in_overflow,
            is_presence_only: kind.is_none(),
            is_settled: false,
            present: Count::default(),
            values,
        }
    }

    pub fn buckets(&mut self) -> Option<&mut Buckets> {
        match &mut self.values {
            Values::Buckets(buckets) => Some(buckets),
            _ => None,
        }
    }

    /// Adds events with that value.
    pub fn add(&mut self, value: Raw<'_>, count: &Count) {
        if count.all_rows() == 0 {
            return;
        }
        self.present.add(count);
        if self.is_presence_only {
            return;
        }
        match (&mut self.values, value) {
            (Values::Texts(texts), Raw::Text(text)) => {
                texts.add(text, count);
                if texts.len() > VALUES_EXACT_MAX {
                    self.values = Values::Buckets(Box::new(Buckets::new(texts)));
                }
            }
            (Values::Numbers(numbers), Raw::Number(key)) => {
                numbers.entry(key).or_default().add(count);
                if numbers.len() > VALUES_EXACT_MAX {
                    let mut steps = Steps::new(self.kind);
                    numbers
                        .iter()
                        .for_each(|(key, count)| steps.add(*key, count));
                    self.values = Values::Steps(Box::new(steps));
                }
            }
            (Values::Steps(steps), Raw::Number(key)) => {
                steps.add(key, count);
            }
            (Values::Buckets(buckets), Raw::Text(text)) => {
                buckets.add(text, count);
            }
            // A field has one kind.
            _ => {}
        }
    }

    /// Adds the events of a row group.
    pub fn add_chunk(&mut self, events: &Events, chunk: &Chunk) {
        let codes = |rows| chunk.codes_of(rows);
        match (&mut self.values, &chunk.values) {
            // Where nearly every event has a value of its own, what is done for each has to be little.
            (Values::Buckets(buckets), ChunkValues::Texts(texts)) => {
                events.each_count(&chunk.counts, codes, |place, count| {
                    self.present.add(count);
                    buckets.add(texts.value(place), count);
                });
            }
            (Values::Steps(steps), ChunkValues::Ints(_) | ChunkValues::Doubles(_)) => {
                events.each_count(&chunk.counts, codes, |place, count| {
                    if let Raw::Number(key) = raw(&chunk.values, place) {
                        self.present.add(count);
                        steps.add(key, count);
                    }
                });
            }
            (values, _) => {
                if let Values::Texts(texts) = values {
                    let room = VALUES_EXACT_MAX.saturating_sub(texts.len());
                    texts.reserve(room.min(chunk.values.len()));
                }
                events.each_count(&chunk.counts, codes, |place, count| {
                    self.add(raw(&chunk.values, place), count);
                });
            }
        }
    }

    /// How many different values there are; near enough where they are counted by hash.
    pub fn distinct(&self) -> u64 {
        match &self.values {
            Values::Texts(texts) => texts.len() as u64,
            Values::Numbers(numbers) => numbers.len() as u64,
            Values::Steps(steps) => steps.counts.len() as u64,
            Values::Buckets(buckets) => buckets.distinct.estimate(),
        }
    }

    /// The values in the order of their keys.
    pub fn numbers(&self) -> Vec<(u64, Count)> {
        let mut numbers: Vec<(u64, Count)> = match &self.values {
            Values::Numbers(numbers) => numbers.iter().map(|(key, count)| (*key, *count)).collect(),
            Values::Steps(steps) => steps.counts.clone(),
            _ => Vec::new(),
        };
        numbers.sort_unstable_by_key(|(key, _)| *key);
        numbers
    }

    /// The smallest value of those counted under a key.
    pub fn bound(&self, key: u64) -> Value {
        let kind = self.kind.unwrap_or(Kind::Double);
        match &self.values {
            Values::Steps(_) => Value::at_bound(kind, key),
            _ => Value::of_key(kind, key),
        }
    }

    /// Values with exact counts of their own, in no order.
    pub fn values(&self) -> Vec<(Value, Count)> {
        match &self.values {
            Values::Texts(texts) => of_texts(texts),
            Values::Buckets(buckets) => of_texts(&buckets.found),
            Values::Numbers(numbers) => {
                let kind = self.kind.unwrap_or(Kind::Double);
                let numbers = numbers.iter();
                numbers
                    .map(|(key, count)| (Value::of_key(kind, *key), *count))
                    .collect()
            }
            Values::Steps(_) => Vec::new(),
        }
    }
}

fn of_texts(texts: &ByText) -> Vec<(Value, Count)> {
    let texts = texts.iter();
    texts
        .map(|(text, count)| {
            let text: Cow<'_, str> = String::from_utf8_lossy(text);
            (Value::Text(text.into()), *count)
        })
        .collect()
}

impl Steps {
    fn new(kind: Option<Kind>) -> Self {
        Self {
            kind,
            places: vec![0; 1 << (u64::BITS - STEP_SHIFT)],
            counts: Vec::new(),
        }
    }

    fn add(&mut self, key: u64, count: &Count) {
        let key = match (self.kind, Value::of_key(Kind::Int, key)) {
            (Some(Kind::Int), Value::Int(number)) => key_of_double(number as f64),
            _ => key,
        };
        let step = key >> STEP_SHIFT;
        let place = &mut self.places[step as usize];
        if *place == 0 {
            self.counts.push((step << STEP_SHIFT, Count::default()));
            *place = self.counts.len() as u32;
        }
        self.counts[*place as usize - 1].1.add(count);
    }
}

impl Buckets {
    fn new(texts: &ByText) -> Self {
        let mut buckets = Self {
            rows: vec![[0; 2]; 1 << BUCKET_BITS],
            distinct: Distinct::default(),
            wanted: Vec::new(),
            found: ByText::default(),
        };
        for (text, count) in texts.iter() {
            buckets.add(text, count);
        }
        buckets
    }

    fn add(&mut self, text: &[u8], count: &Count) {
        let hash = hash(text);
        self.distinct.add(hash);
        let bucket = &mut self.rows[bucket_of(hash)];
        for (sum, rows) in bucket.iter_mut().zip(count.rows) {
            *sum = sum.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        }
    }

    /// Adds the events of one column; `sides` says which side each is of, or neither.
    pub fn add_column(&mut self, column: &Column, sides: &[u8]) {
        let Column::Text(texts) = column else { return };
        for (text, side) in texts.iter().zip(sides) {
            let Some(text) = text else { continue };
            let hash = hash(text.as_bytes());
            let bucket = &mut self.rows[bucket_of(hash)];
            if let Some(rows) = bucket.get_mut(usize::from(*side)) {
                *rows = rows.saturating_add(1);
                self.distinct.add(hash);
            }
        }
    }

    /// Chooses the buckets that one side has too many of: only there can a value be that explains anything.
    pub fn choose(&mut self, selected: f64) {
        let mut unlikely: Vec<(f64, usize)> = Vec::new();
        for (bucket, [selection, baseline]) in self.rows.iter().enumerate() {
            let rows = f64::from(*selection) + f64::from(*baseline);
            if rows > 0.0 {
                let observed = f64::from(*selection) / rows;
                // The divergence is at most the square of the difference by the variance, which takes no logarithm.
                let square = (observed - selected).powi(2) / (selected * (1.0 - selected));
                if rows * square < -BUCKET_LOG_BOUND {
                    continue;
                }
                let bound = log_bound(rows, observed, selected);
                if bound < BUCKET_LOG_BOUND {
                    unlikely.push((bound, bucket));
                }
            }
        }
        unlikely.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.wanted = vec![false; self.rows.len()];
        for (_, bucket) in unlikely.iter().take(BUCKETS_LOOKED_INTO_MAX) {
            self.wanted[*bucket] = true;
        }
    }

    pub fn has_chosen(&self) -> bool {
        self.wanted.contains(&true)
    }

    /// Counts a value exactly, if it is in a chosen bucket.
    pub fn look_into(&mut self, text: &[u8], count: &Count) {
        if self.wanted[bucket_of(hash(text))] {
            self.found.add(text, count);
        }
    }

    /// A value on fewer events of the selection may be missed: so many more than usual make a bucket be chosen.
    pub fn missed_below(&self, selected: f64) -> u64 {
        let sum = |[selection, baseline]: &[u32; 2]| u64::from(*selection) + u64::from(*baseline);
        let all: u64 = self.rows.iter().map(sum).sum();
        let usual = all as f64 / self.rows.len() as f64;
        let is_seen = |more: &u64| {
            let (more, rows) = (*more as f64, usual + *more as f64);
            log_bound(rows, (usual * selected + more) / rows, selected) < BUCKET_LOG_BOUND
        };
        (1..all.max(2)).find(is_seen).unwrap_or(all)
    }
}

fn bucket_of(hash: u64) -> usize {
    (hash >> (64 - BUCKET_BITS)) as usize
}

/// How many different hashes there were: of those that end in enough zeros, all are kept (M. Wegman's adaptive sampling;
/// P. Flajolet, 1990). Within 5% nearly always.
#[derive(Debug, Default)]
struct Distinct {
    level: u32,
    hashes: HashSet<u64, BuildHasherDefault<NumberHasher>>,
}

impl Distinct {
    fn add(&mut self, hash: u64) {
        if hash.trailing_zeros() < self.level {
            return;
        }
        self.hashes.insert(hash);
        while self.hashes.len() > DISTINCT_SAMPLE_MAX {
            self.level += 1;
            let level = self.level;
            self.hashes.retain(|hash| hash.trailing_zeros() >= level);
        }
    }

    fn estimate(&self) -> u64 {
        (self.hashes.len() as u64) << self.level
    }
}

/// The same for a text always and everywhere, as answers must be.
fn hash(text: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = text.len() as u64 ^ 0x2545_F491_4F6C_DD1D;
    let mut add = |word: u64| {
        hash = (hash ^ word).wrapping_mul(FACTOR);
        hash ^= hash >> 32;
    };
    let (words, rest) = text.as_chunks::<8>();
    words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
    let rest = rest.iter().rev();
    add(rest.fold(0, |word, byte| word << 8 | u64::from(*byte)));
    hash = hash.wrapping_mul(FACTOR);
    hash ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::{Field, VALUES_EXACT_MAX, Values};
    use crate::compare::statistics::{Count, ONE};
    use crate::compare::value::{Kind, Raw, Value, key_of_int};

    fn one(side: usize) -> Count {
        let mut count = Count::default();
        (count.rows[side], count.weight[side]) = (1, ONE);
        count
    }

    #[test]
    fn one_text_among_very_many_is_found_in_its_bucket() {
        let mut field = Field::new("user.id", Some(Kind::Text), false);
        for number in 0..300_000 {
            let side = usize::from(number % 100 != 0);
            field.add(Raw::Text(format!("user-{number}").as_bytes()), &one(side));
        }
        for _ in 0..20 {
            field.add(Raw::Text(b"user-4711"), &one(0));
        }
        let distinct = field.distinct() as f64;
        assert!((distinct / 300_000.0 - 1.0).abs() < 0.05, "{distinct}");
        let buckets = field.buckets().unwrap();
        buckets.choose(0.01);
        assert!(buckets.missed_below(0.01) <= 8);
        for text in [b"user-4711", b"user-4712"] {
            buckets.look_into(text, &one(0));
        }
        assert!(buckets.found.iter().any(|(text, _)| text == b"user-4711"));
    }

    #[test]
    fn numbers_of_many_values_are_counted_by_narrow_steps() {
        let mut field = Field::new("duration_ns", Some(Kind::Int), false);
        for number in 0..100_000_i64 {
            field.add(Raw::Number(key_of_int(number * 1_000)), &one(1));
        }
        assert!(matches!(field.values, Values::Steps(_)));
        let numbers = field.numbers();
        assert!(numbers.len() < VALUES_EXACT_MAX / 10, "{}", numbers.len());
        let sum: u64 = numbers.iter().map(|(_, count)| count.rows[1]).sum();
        assert_eq!(sum, 100_000);
        let bounds: Vec<i64> = numbers
            .iter()
            .map(|(key, _)| match field.bound(*key) {
                Value::Int(bound) => bound,
                other => panic!("{other:?}"),
            })
            .collect();
        let far = bounds
            .windows(2)
            .filter(|pair| pair[0] > 200_000 && pair[1] as f64 > pair[0] as f64 * 1.02);
        assert_eq!(far.count(), 0);
    }
}
