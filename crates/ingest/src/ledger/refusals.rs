//! The last refusals, for the question why data isn't arriving. The same one again is counted, not kept again: a client
//! that retries for hours must not push out all others.

use std::collections::VecDeque;

use crawlspace_model::UnixNanos;
use crawlspace_model::account::Reason;

use super::Origin;

/// So many different refusals are kept.
pub const REFUSALS_MAX: usize = 100;
/// The longest text that is kept of a message or of a client's name.
const TEXT_CHARS_MAX: usize = 400;

/// A refusal, and how often it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub origin: Origin,
    pub reason: Reason,
    pub message: String,
    pub times: u64,
    pub first_at: UnixNanos,
    pub last_at: UnixNanos,
}

/// Oldest first.
#[derive(Debug, Default)]
pub(crate) struct Refusals(VecDeque<Refused>);

impl Refusals {
    pub fn add(&mut self, origin: &Origin, reason: Reason, message: &str, now: UnixNanos) {
        let new = Refused {
            origin: Origin {
                user_agent: cut(&origin.user_agent),
                ..origin.clone()
            },
            reason,
            message: cut(message),
            times: 1,
            first_at: now,
            last_at: now,
        };
        let is_same = |old: &Refused| {
            (&old.origin, old.reason, &old.message) == (&new.origin, new.reason, &new.message)
        };
        let found = self.0.iter().position(is_same);
        let refused = match found.and_then(|index| self.0.remove(index)) {
            Some(old) => Refused {
                times: old.times + 1,
                last_at: now,
                ..old
            },
            None => new,
        };
        if self.0.len() == REFUSALS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(refused);
    }

    pub fn newest_first(&self) -> Vec<Refused> {
        self.0.iter().rev().cloned().collect()
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
