//! A hash for keys of a few numbers, a fourth of the cost of the standard one: multiply and fold, as wyhash and foldhash
//! do. The seed is random, so that nobody can choose keys that collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An odd number with as many ones as zeros: the golden ratio in 64 bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, Seed>;

/// Starts hashes.
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(FACTOR))
    }
}

impl BuildHasher for Seed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding {
            state: self.0,
            seed: self.0 | 1,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Folding {
    state: u64,
    seed: u64,
}

impl Folding {
    fn fold(&mut self, number: u64) {
        let product = u128::from(self.state ^ number) * u128::from(self.seed ^ FACTOR);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
        let folded = (product as u64) ^ ((product >> 64) as u64);
        self.state = folded.rotate_left(23).wrapping_add(FACTOR);
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(number));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::hash::BuildHasher as _;

    use super::Seed;

    #[test]
    fn keys_that_differ_little_differ_in_both_ends_of_the_hash() {
        let seed = Seed::default();
        let keys =
            (0..1_000u32).flat_map(|number| [[number, 0, 0], [0, 0, number + 1], [1, number, 7]]);
        let keys: BTreeSet<[u32; 3]> = keys.collect();
        let hashes: BTreeSet<u64> = keys.iter().map(|key| seed.hash_one(key)).collect();
        assert_eq!(hashes.len(), keys.len());
        // Tables use the lowest bits for places and the highest ones for tags: half of 256 would be a bad draw.
        let low: BTreeSet<u64> = hashes.iter().map(|hash| hash & 0xff).collect();
        let high: BTreeSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
        assert!(
            low.len() > 200 && high.len() > 100,
            "{} {}",
            low.len(),
            high.len()
        );
    }
}
