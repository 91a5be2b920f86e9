//! Saved questions: addresses of the window under a name. The number is the short link, `/s/NUMBER`.

use std::sync::Arc;

use crawlspace_model::Clock;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query, query_scalar};

use crate::content::Member;
use crate::database::Database;
use crate::kept::Kept;
use crate::{Author, Error, Stamp};

const WHAT: &str = "saved question";
const NAME_CHARS_MAX: usize = 100;
const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Servers and proxies take addresses of this length.
const ADDRESS_BYTES_MAX: usize = 8 << 10;
/// All are listed in one answer.
const SAVED_MAX: usize = 2_000;
/// First steps of addresses that lead elsewhere than to a page of the window, or in a circle.
const NO_PAGES: [&str; 4] = ["api", "assets", "s", "v1"];

/// What people say of a saved question, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionContent {
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Of a page of the window, below its base: `explore?last=3h`, or empty for the first page.
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedQuestion {
    pub number: u32,
    pub content: QuestionContent,
    pub stamp: Stamp,
}

/// The saved questions of one data directory.
#[derive(Debug)]
pub struct SavedQuestions {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl QuestionContent {
    /// # Errors
    /// A text is too long or can't be shown, or the address leads elsewhere than to a page of the window.
    pub fn new(name: &str, description: &str, address: &str) -> Result<Self, Error> {
        let member = |name| Member { what: WHAT, name };
        Ok(Self {
            name: member("name").line(name, NAME_CHARS_MAX)?,
            description: member("description").text(description, DESCRIPTION_CHARS_MAX)?,
            address: checked_address(member("address"), address)?,
        })
    }
}

/// Without a scheme, a host, dots or a leading slash an address stays below the base that it is opened from, also under the
/// path of a proxy.
fn checked_address(member: Member, address: &str) -> Result<String, Error> {
    if address.len() > ADDRESS_BYTES_MAX {
        return Err(member.wrong(format!("has at most {ADDRESS_BYTES_MAX} bytes")));
    }
    let page = address.split('?').next().unwrap_or_default();
    let is_step = |step: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !step.is_empty() && step.bytes().all(is_plain)
    };
    let first = page.split('/').next().unwrap_or_default();
    let is_page = page.is_empty() || (page.split('/').all(is_step) && !NO_PAGES.contains(&first));
    let is_encoded = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\".contains(&byte);
    if !is_page || !address.bytes().all(is_encoded) {
        return Err(member.wrong(
            "is no address of the window: give the page and what stands behind it, encoded, without server and leading \
             slash, like explore?last=3h",
        ));
    }
    Ok(address.to_owned())
}

impl SavedQuestions {
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// All, by name.
    ///
    /// # Errors
    /// The database can't be read.
    pub async fn list(&self) -> Result<Vec<SavedQuestion>, Error> {
        let sql = "SELECT * FROM saved_questions ORDER BY name COLLATE NOCASE, number";
        let rows = query(sql).fetch_all(self.database.pool()).await;
        let rows = rows.map_err(|source| self.database.error(source))?;
        let read = |row| SavedQuestion::read(row, &self.database);
        rows.iter().map(read).collect()
    }

    /// # Errors
    /// There is none of this number, or the database can't be read.
    pub async fn find(&self, number: u32) -> Result<SavedQuestion, Error> {
        self.database.find(number).await
    }

    /// # Errors
    /// There are too many, or it can't be written.
    pub async fn add(
        &self,
        content: QuestionContent,
        author: &Author,
    ) -> Result<SavedQuestion, Error> {
        let now = self.clock.now();
        let database = &self.database;
        let mut transaction = database.begin_adding::<SavedQuestion>().await?;
        let stamp = author.stamp(now);
        let number: u32 = query_scalar(
            "INSERT INTO saved_questions (name, description, address, created_at, created_by, created_key) \
             VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
        )
        .bind(&content.name)
        .bind(&content.description)
        .bind(&content.address)
        .bind(now.0)
        .bind(&stamp.created_by)
        .bind(stamp.created_key)
        .fetch_one(&mut *transaction)
        .await
        .map_err(|source| database.error(source))?;
        let question = SavedQuestion {
            number,
            content,
            stamp,
        };
        database
            .end(transaction, author, "create", &question, now)
            .await?;
        Ok(question)
    }

    /// # Errors
    /// There is none of this number, it is somebody else's, or it can't be written.
    pub async fn replace(
        &self,
        number: u32,
        content: QuestionContent,
        author: &Author,
    ) -> Result<SavedQuestion, Error> {
        let now = self.clock.now();
        let database = &self.database;
        let (mut transaction, mut question) = database
            .begin_changing::<SavedQuestion>(number, author)
            .await?;
        question.content = content;
        question.stamp.change(author, now);
        let QuestionContent {
            name,
            description,
            address,
        } = &question.content;
        query(
            "UPDATE saved_questions SET name = ?, description = ?, address = ?, changed_at = ?, changed_by = ? \
             WHERE number = ?",
        )
        .bind(name)
        .bind(description)
        .bind(address)
        .bind(now.0)
        .bind(&question.stamp.changed_by)
        .bind(number)
        .execute(&mut *transaction)
        .await
        .map_err(|source| database.error(source))?;
        database
            .end(transaction, author, "change", &question, now)
            .await?;
        Ok(question)
    }

    /// What was deleted. Its number is never given to another.
    ///
    /// # Errors
    /// There is none of this number, it is somebody else's, or it can't be written.
    pub async fn delete(&self, number: u32, author: &Author) -> Result<SavedQuestion, Error> {
        let now = self.clock.now();
        self.database.delete(number, author, now).await
    }
}

impl Kept for SavedQuestion {
    const WHAT: &'static str = WHAT;
    const MANY: &'static str = "saved questions";
    const TABLE: &'static str = "saved_questions";
    const MAX: usize = SAVED_MAX;

    fn read(row: &SqliteRow, database: &Database) -> Result<Self, Error> {
        let read = || {
            Ok(Self {
                number: row.try_get("number")?,
                content: QuestionContent {
                    name: row.try_get("name")?,
                    description: row.try_get("description")?,
                    address: row.try_get("address")?,
                },
                stamp: Stamp::read(row)?,
            })
        };
        read().map_err(|source| database.error(source))
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn detail(&self) -> Value {
        json!({"name": self.content.name})
    }
}

#[cfg(test)]
mod tests;
