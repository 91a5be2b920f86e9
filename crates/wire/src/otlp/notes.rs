//! What went wrong with records, by cause: counted, with one example each.

/// The most causes that are told; further ones are left out.
const NOTES_MAX: usize = 8;

/// The most characters of an example's name.
const NAME_CHARS_MAX: usize = 80;

#[derive(Debug, Default)]
pub(super) struct Notes {
    notes: Vec<Note>,
    /// Lists of attributes that were too long.
    pub(super) shortened_lists: u64,
}

#[derive(Debug)]
struct Note {
    cause: &'static str,
    count: u64,
    example: String,
}

/// Why one record was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) cause: &'static str,
    pub(super) example: String,
}

impl Notes {
    /// Counts `count` records for `cause`; the first example is kept.
    pub(super) fn add(
        &mut self,
        cause: &'static str,
        count: u64,
        example: impl FnOnce() -> String,
    ) {
        if let Some(note) = self.notes.iter_mut().find(|note| note.cause == cause) {
            note.count += count;
        } else if self.notes.len() < NOTES_MAX {
            self.notes.push(Note {
                cause,
                count,
                example: example(),
            });
        }
    }

    /// Counts a list of attributes, if it had one more than [`ATTRIBUTES_MAX`](super::ATTRIBUTES_MAX): this one.
    pub(super) fn shorten(&mut self, extra: Option<&str>) {
        let Some(key) = extra else {
            return;
        };
        self.shortened_lists += 1;
        self.add(
            "records with attributes beyond the 1024th, which were left out",
            1,
            || format!("attribute {}", quoted(key)),
        );
    }

    pub(super) fn into_messages(self) -> Vec<String> {
        let text = |note: Note| {
            format!(
                "{}: {}, for example {}",
                note.cause, note.count, note.example
            )
        };
        self.notes.into_iter().map(text).collect()
    }
}

/// A name for an example, quoted, not too long.
pub(super) fn quoted(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("`{}...`", &name[..end]),
        None => format!("`{name}`"),
    }
}
