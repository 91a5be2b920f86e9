//! Short byte strings, such as keys.

/// Whether they are equal: in place, since a call takes longer than the few words that they have.
#[inline]
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(end), Some(other)) => {
            let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            end == other && words.into_iter().all(|(word, other)| word == other)
        }
        _ => a.iter().zip(b).all(|(byte, other)| byte == other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_same;

    proptest! {
        #[test]
        fn strings_are_the_same_if_all_bytes_are(
            a in prop::collection::vec(any::<u8>(), 0..40), at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            prop_assert!(is_same(&a, &a.clone()));
            let mut other = a.clone();
            other.push(0);
            prop_assert!(!is_same(&a, &other));
            if !a.is_empty() {
                other.pop();
                other[at.index(a.len())] ^= 1u8 << bit;
                prop_assert!(!is_same(&a, &other));
            }
        }
    }
}
