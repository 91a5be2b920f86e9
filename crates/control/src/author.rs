//! Who made and changed what a team keeps together, and who may.

use crawlspace_model::UnixNanos;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Actor, Error};

/// What is shown for those who need no key.
const LOCAL: &str = "local";

/// Whoever changes something, as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub(crate) actor: Actor,
    pub(crate) name: String,
    /// Also what others made.
    pub(crate) changes_all: bool,
}

/// By whom and when something was made, and last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub created_at: UnixNanos,
    pub created_by: String,
    /// The key that it was made with, if one was needed.
    pub created_key: Option<u32>,
    pub changed_at: Option<UnixNanos>,
    pub changed_by: Option<String>,
}

impl Author {
    pub(crate) fn local(actor: Actor) -> Self {
        Self {
            actor,
            name: LOCAL.to_owned(),
            changes_all: true,
        }
    }

    #[must_use]
    pub fn may_change(&self, stamp: &Stamp) -> bool {
        self.changes_all || (self.key().is_some() && self.key() == stamp.created_key)
    }

    pub(crate) fn key(&self) -> Option<u32> {
        match self.actor {
            Actor::Key(number) => Some(number),
            Actor::Start | Actor::CommandLine | Actor::Anyone => None,
        }
    }

    pub(crate) fn stamp(&self, now: UnixNanos) -> Stamp {
        Stamp {
            created_at: now,
            created_by: self.name.clone(),
            created_key: self.key(),
            changed_at: None,
            changed_by: None,
        }
    }

    pub(crate) fn check(
        &self,
        what: &'static str,
        number: u32,
        stamp: &Stamp,
    ) -> Result<(), Error> {
        match self.may_change(stamp) {
            true => Ok(()),
            false => Err(Error::NotYours {
                what,
                number,
                by: stamp.created_by.clone(),
            }),
        }
    }
}

impl Stamp {
    pub(crate) fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            created_at: UnixNanos(row.try_get("created_at")?),
            created_by: row.try_get("created_by")?,
            created_key: row.try_get("created_key")?,
            changed_at: row.try_get::<Option<i64>, _>("changed_at")?.map(UnixNanos),
            changed_by: row.try_get("changed_by")?,
        })
    }

    pub(crate) fn change(&mut self, author: &Author, now: UnixNanos) {
        self.changed_at = Some(now);
        self.changed_by = Some(author.name.clone());
    }
}
