//! What people configured: keys, and who may do what; and what they keep together, saved questions and notes. Secrets live
//! here and never in the catalogue.

mod author;
mod content;
mod database;
mod error;
#[cfg(test)]
mod fake_clock;
mod kept;
mod key;
mod keys;
mod note;
mod notes;
mod saved;
mod secret;
mod web_origin;

pub use author::{Author, Stamp};
pub use database::{Database, keep_from_others};
pub use error::Error;
pub use key::{Access, Key, KeyRequest, Scope};
pub use keys::{Actor, Created, Keys, Stranger};
pub use note::{About, Note, NoteContent};
pub use notes::{Listed, Notes, NotesWanted};
pub use saved::{QuestionContent, SavedQuestion, SavedQuestions};
pub use secret::Secret;
pub use web_origin::WebOrigin;
