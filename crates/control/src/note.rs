//! What a note is: a text pinned to a time, and what it is about.

use crawlspace_model::UnixNanos;
use serde::{Deserialize, Serialize};

use crate::content::Member;
use crate::{Error, Stamp};

pub(crate) const WHAT: &str = "note";
const TEXT_CHARS_MAX: usize = 2_000;
/// Fields that a note is about.
const ABOUT_MAX: usize = 10;
const FIELD_CHARS_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 500;

/// A field and its value: the note concerns events that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub field: String,
    pub value: String,
}

/// What people say in a note, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteContent {
    pub start: UnixNanos,
    /// Of a stretch of time; the same as the start for one moment.
    pub end: UnixNanos,
    pub text: String,
    /// All that it is about; empty if it concerns everything.
    pub about: Vec<About>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub number: u32,
    pub content: NoteContent,
    pub stamp: Stamp,
}

impl NoteContent {
    /// # Errors
    /// A text is empty, too long or can't be shown, it ends before it starts, or is about too much.
    pub fn new(
        start: UnixNanos,
        end: Option<UnixNanos>,
        text: &str,
        about: Vec<About>,
    ) -> Result<Self, Error> {
        let member = |name| Member { what: WHAT, name };
        let end = end.unwrap_or(start);
        if end < start {
            return Err(member("end").wrong("is before its `time`"));
        }
        let text = member("text").text(text, TEXT_CHARS_MAX)?;
        if text.is_empty() {
            return Err(member("text").wrong("is empty: say what happened"));
        }
        let member = member("about");
        if about.len() > ABOUT_MAX {
            return Err(member.wrong(format!("names at most {ABOUT_MAX} fields")));
        }
        let about = about.iter().map(|about| {
            Ok(About {
                field: member.line(&about.field, FIELD_CHARS_MAX)?,
                value: member.line(&about.value, VALUE_CHARS_MAX)?,
            })
        });
        Ok(Self {
            start,
            end,
            text,
            about: about.collect::<Result<_, Error>>()?,
        })
    }
}
