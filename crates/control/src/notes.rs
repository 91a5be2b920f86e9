//! Notes: pinned, read by time, changed and deleted in the database.

use std::sync::Arc;

use crawlspace_model::{Clock, UnixNanos};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query, query_scalar};

use crate::database::Database;
use crate::kept::Kept;
use crate::note::WHAT;
use crate::{Author, Error, Note, NoteContent, Stamp};

const NOTES_MAX: usize = 100_000;

/// Which notes to list.
#[derive(Debug, Clone, Copy)]
pub struct NotesWanted {
    /// From when, and until before when: those that have a part in it.
    pub start: Option<UnixNanos>,
    pub end: Option<UnixNanos>,
    /// So many at most, the newest.
    pub limit: u32,
}

/// Notes, the newest first.
#[derive(Debug)]
pub struct Listed {
    pub notes: Vec<Note>,
    /// There are older ones.
    pub cut: bool,
}

/// The notes of one data directory.
#[derive(Debug)]
pub struct Notes {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Notes {
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// # Errors
    /// The database can't be read.
    pub async fn list(&self, wanted: NotesWanted) -> Result<Listed, Error> {
        let rows = query(
            "SELECT * FROM notes WHERE starts_at < ? AND ends_at >= ? ORDER BY starts_at DESC, number DESC LIMIT ?",
        )
        .bind(wanted.end.map_or(i64::MAX, |end| end.0))
        .bind(wanted.start.map_or(i64::MIN, |start| start.0))
        .bind(i64::from(wanted.limit) + 1)
        .fetch_all(self.database.pool())
        .await
        .map_err(|source| self.database.error(source))?;
        let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
        let database = &self.database;
        let notes = rows.iter().take(limit);
        let notes = notes.map(|row| Note::read(row, database));
        Ok(Listed {
            notes: notes.collect::<Result<_, _>>()?,
            cut: rows.len() > limit,
        })
    }

    /// # Errors
    /// There is none of this number, or the database can't be read.
    pub async fn find(&self, number: u32) -> Result<Note, Error> {
        self.database.find(number).await
    }

    /// # Errors
    /// There are too many, or it can't be written.
    pub async fn add(&self, content: NoteContent, author: &Author) -> Result<Note, Error> {
        let now = self.clock.now();
        let mut transaction = self.database.begin_adding::<Note>().await?;
        let stamp = author.stamp(now);
        let number: u32 = query_scalar(
            "INSERT INTO notes (starts_at, ends_at, text, about, created_at, created_by, created_key) \
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
        )
        .bind(content.start.0)
        .bind(content.end.0)
        .bind(&content.text)
        .bind(json!(content.about).to_string())
        .bind(now.0)
        .bind(&stamp.created_by)
        .bind(stamp.created_key)
        .fetch_one(&mut *transaction)
        .await
        .map_err(|source| self.database.error(source))?;
        let note = Note {
            number,
            content,
            stamp,
        };
        let database = &self.database;
        database
            .end(transaction, author, "create", &note, now)
            .await?;
        Ok(note)
    }

    /// # Errors
    /// There is none of this number, it is somebody else's, or it can't be written.
    pub async fn replace(
        &self,
        number: u32,
        content: NoteContent,
        author: &Author,
    ) -> Result<Note, Error> {
        let now = self.clock.now();
        let database = &self.database;
        let (mut transaction, mut note) = database.begin_changing::<Note>(number, author).await?;
        note.content = content;
        note.stamp.change(author, now);
        query(
            "UPDATE notes SET starts_at = ?, ends_at = ?, text = ?, about = ?, changed_at = ?, changed_by = ? \
             WHERE number = ?",
        )
        .bind(note.content.start.0)
        .bind(note.content.end.0)
        .bind(&note.content.text)
        .bind(json!(note.content.about).to_string())
        .bind(now.0)
        .bind(&note.stamp.changed_by)
        .bind(number)
        .execute(&mut *transaction)
        .await
        .map_err(|source| database.error(source))?;
        database
            .end(transaction, author, "change", &note, now)
            .await?;
        Ok(note)
    }

    /// What was deleted. Its number is never given to another.
    ///
    /// # Errors
    /// There is none of this number, it is somebody else's, or it can't be written.
    pub async fn delete(&self, number: u32, author: &Author) -> Result<Note, Error> {
        let now = self.clock.now();
        self.database.delete(number, author, now).await
    }
}

impl Kept for Note {
    const WHAT: &'static str = WHAT;
    const MANY: &'static str = "notes";
    const TABLE: &'static str = "notes";
    const MAX: usize = NOTES_MAX;

    fn read(row: &SqliteRow, database: &Database) -> Result<Self, Error> {
        let error = |source| database.error(source);
        let about: &str = row.try_get("about").map_err(error)?;
        let about = serde_json::from_str(about).map_err(|source| {
            let problem = format!("holds a note that can't be read: {source}");
            database.unknown(problem)
        })?;
        let read = || {
            Ok(Self {
                number: row.try_get("number")?,
                content: NoteContent {
                    start: UnixNanos(row.try_get("starts_at")?),
                    end: UnixNanos(row.try_get("ends_at")?),
                    text: row.try_get("text")?,
                    about,
                },
                stamp: Stamp::read(row)?,
            })
        };
        read().map_err(error)
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Without its text: what was deleted is gone.
    fn detail(&self) -> Value {
        json!({"time": self.content.start.0.to_string()})
    }
}

#[cfg(test)]
mod tests;
