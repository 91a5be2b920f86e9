//! Notes: pinned, read by time, changed and deleted in the database.

use std::sync::Arc;

use crawlspace_model::{Clock, UnixNanos};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction, query, query_scalar};

use crate::database::{Change, Database};
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
        let notes = rows.iter().take(limit).map(|row| self.read(row));
        Ok(Listed {
            notes: notes.collect::<Result<_, _>>()?,
            cut: rows.len() > limit,
        })
    }

    /// # Errors
    /// There is none of this number, or the database can't be read.
    pub async fn find(&self, number: u32) -> Result<Note, Error> {
        let mut transaction = self.database.begin().await?;
        self.find_in(&mut transaction, number).await
    }

    /// # Errors
    /// There are too many, or it can't be written.
    pub async fn add(&self, content: NoteContent, author: &Author) -> Result<Note, Error> {
        let now = self.clock.now();
        let mut transaction = self.database.begin().await?;
        let count: i64 = query_scalar("SELECT count(*) FROM notes")
            .fetch_one(&mut *transaction)
            .await
            .map_err(|source| self.database.error(source))?;
        if usize::try_from(count).is_ok_and(|count| count >= NOTES_MAX) {
            return Err(Error::Full {
                what: "notes",
                max: NOTES_MAX,
            });
        }
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
        self.end(transaction, author, "create", &note, now).await?;
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
        let mut transaction = self.database.begin().await?;
        let mut note = self.find_in(&mut transaction, number).await?;
        author.check(WHAT, number, &note.stamp)?;
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
        .map_err(|source| self.database.error(source))?;
        self.end(transaction, author, "change", &note, now).await?;
        Ok(note)
    }

    /// What was deleted. Its number is never given to another.
    ///
    /// # Errors
    /// There is none of this number, it is somebody else's, or it can't be written.
    pub async fn delete(&self, number: u32, author: &Author) -> Result<Note, Error> {
        let now = self.clock.now();
        let mut transaction = self.database.begin().await?;
        let note = self.find_in(&mut transaction, number).await?;
        author.check(WHAT, number, &note.stamp)?;
        query("DELETE FROM notes WHERE number = ?")
            .bind(number)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database.error(source))?;
        self.end(transaction, author, "delete", &note, now).await?;
        Ok(note)
    }

    async fn find_in(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        number: u32,
    ) -> Result<Note, Error> {
        let row = query("SELECT * FROM notes WHERE number = ?")
            .bind(number)
            .fetch_optional(&mut **in_)
            .await
            .map_err(|source| self.database.error(source))?;
        let row = row.ok_or(Error::NoSuch { what: WHAT, number })?;
        self.read(&row)
    }

    /// Writes the line of the audit trail, and commits. Texts are not in it: what was deleted is gone.
    async fn end(
        &self,
        mut transaction: Transaction<'static, Sqlite>,
        author: &Author,
        action: &'static str,
        note: &Note,
        now: UnixNanos,
    ) -> Result<(), Error> {
        let change = Change {
            actor: author.actor,
            action,
            subject: format!("{WHAT} {}", note.number),
            detail: &json!({"time": note.content.start.0.to_string()}),
        };
        self.database.record(&mut transaction, change, now).await?;
        self.database.commit(transaction).await
    }

    fn read(&self, row: &SqliteRow) -> Result<Note, Error> {
        let about: &str = row
            .try_get("about")
            .map_err(|source| self.database.error(source))?;
        let about = serde_json::from_str(about).map_err(|source| {
            let problem = format!("holds a note that can't be read: {source}");
            self.database.unknown(problem)
        })?;
        let read = || {
            Ok(Note {
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
        read().map_err(|source| self.database.error(source))
    }
}

#[cfg(test)]
mod tests;
