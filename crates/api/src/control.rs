//! What people configured and keep together: keys, saved questions, notes.

pub(crate) mod keys;
pub(crate) mod notes;
pub(crate) mod saved;

use crawlspace_control::{Author, Error, Stamp};
use crawlspace_model::{ErrorKind, UnixNanos};
use serde::Serialize;

use crate::Dependencies;
use crate::access::Caller;
use crate::problem::Problem;

/// By whom and when something was made, and last changed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Stamp)]
struct StampAnswer {
    /// Nanoseconds since 1970, like the other times.
    created_at: String,
    /// The name of the key, or `local` where none was needed.
    created_by: String,
    /// Null if never.
    changed_at: Option<String>,
    changed_by: Option<String>,
    /// Whether the caller may change and delete it: those may whose key made it, and keys for admin.
    may_change: bool,
}

impl StampAnswer {
    fn new(stamp: Stamp, author: &Author) -> Self {
        Self {
            may_change: author.may_change(&stamp),
            created_at: nanos(stamp.created_at),
            created_by: stamp.created_by,
            changed_at: stamp.changed_at.map(nanos),
            changed_by: stamp.changed_by,
        }
    }
}

impl Dependencies {
    fn author(&self, caller: Caller) -> Author {
        self.gate.keys.author(caller.actor())
    }
}

fn nanos(time: UnixNanos) -> String {
    time.0.to_string()
}

/// The number in a path; what is no number is the number of nothing.
fn number_of(text: &str, what: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("a {what} has a number, not `{text}`");
        Problem::new(ErrorKind::NotFound, detail)
    })
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

#[cfg(test)]
mod tests;
