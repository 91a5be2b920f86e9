//! The secret of a key: the one text that is never printed, but where it is made.

use std::fmt;

use crate::key::Scope;

/// What every secret begins with, so that scanners of source code can find one that leaked.
const PREFIX: &str = "cspace";
const RANDOM_BYTES: usize = 32;

/// `cspace_<scope>_<number>_<64 hex digits>`: 256 random bits, and in front of them what people need to tell secrets
/// apart. Has no text form but [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A text that claims to be a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn make(scope: Scope, number: u32) -> Self {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let hex = blake3::Hash::from_bytes(random).to_hex();
        Self(format!("{PREFIX}_{}_{number}_{hex}", scope.name()))
    }

    /// The text itself, for the one place that hands it over.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it looks like one of ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0
            .strip_prefix(PREFIX)
            .is_some_and(|rest| rest.starts_with('_'))
    }

    /// The number of the key that it claims to be of.
    pub(crate) fn number(&self) -> Option<u32> {
        let mut pieces = self.0.split('_');
        let [Some(PREFIX), Some(_), Some(number), Some(_), None] =
            std::array::from_fn(|_| pieces.next())
        else {
            return None;
        };
        number.parse().ok()
    }

    /// Of the whole text, so that scope and number belong to it. A fast hash will do: nobody guesses 256 bits.
    pub(crate) fn hash(&self) -> blake3::Hash {
        blake3::hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use crate::key::Scope;

    #[test]
    fn secrets_name_their_key_differ_and_are_not_printed() {
        let (one, other) = (Secret::make(Scope::Read, 7), Secret::make(Scope::Read, 7));
        assert!(
            one.expose().starts_with("cspace_read_7_"),
            "{}",
            one.expose()
        );
        assert_eq!(one.expose().len(), "cspace_read_7_".len() + 64);
        assert_ne!(one.expose(), other.expose());
        assert_eq!((one.number(), one.is_ours()), (Some(7), true));
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }

    #[test]
    fn other_texts_have_no_number() {
        for text in [
            "",
            "cspace",
            "cspace_read_7",
            "cspace_read_7_a_b",
            "x_read_7_a",
            "cspace_read_-1_a",
            "cspace_read_4294967296_a",
        ] {
            assert_eq!(Secret::new(text).number(), None, "{text}");
        }
    }
}
