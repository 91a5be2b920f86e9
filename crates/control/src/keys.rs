//! All keys: made, revoked and listed in the database, and checked in memory, so that a request costs no I/O.

mod rows;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crawlspace_model::{Clock, UnixNanos};

use crate::database::{Change, Database};
use crate::{Author, Error, Key, KeyRequest, Scope, Secret, WebOrigin};

/// Keys in memory, revoked ones included.
const KEYS_MAX: usize = 10_000;
/// Uses of a key within this are one.
const USE_STEP: Duration = Duration::from_secs(60);
/// In memory: never used.
const NEVER: i64 = i64::MIN;

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The server, at a start without keys.
    Start,
    /// Whoever may write the data directory.
    CommandLine,
    /// Whoever reaches a server that asks for no key.
    Anyone,
    Key(u32),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::CommandLine => f.write_str("command line"),
            Self::Anyone => f.write_str("anyone"),
            Self::Key(number) => write!(f, "key {number}"),
        }
    }
}

/// A new key, and its secret: kept nowhere, so this is the one time to show it.
#[derive(Debug)]
pub struct Created {
    pub key: Key,
    pub secret: Secret,
}

/// A secret that opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    #[error("the key is not known here: it is misspelt, or of another server")]
    Unknown,
    #[error("key {number} is revoked: ask for a new one")]
    Revoked { number: u32 },
}

/// The keys of one data directory.
pub struct Keys {
    database: Database,
    clock: Arc<dyn Clock>,
    held: RwLock<BTreeMap<u32, Held>>,
}

struct Held {
    /// Without its use.
    key: Arc<Key>,
    hash: blake3::Hash,
    used_at: AtomicI64,
    /// What the database says.
    used_at_kept: AtomicI64,
}

impl Keys {
    /// Reads all keys.
    ///
    /// # Errors
    /// When the database can't be read, or holds a key that is none.
    pub async fn open(database: Database, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let held = database.keys().await?.into_iter();
        let held = held.map(|(key, hash)| (key.number, Held::new(key, hash)));
        Ok(Self {
            held: RwLock::new(held.collect()),
            database,
            clock,
        })
    }

    /// The key that this is the secret of.
    ///
    /// # Errors
    /// When there is none, or it is revoked.
    pub fn check(&self, secret: &Secret) -> Result<Arc<Key>, Stranger> {
        let held = self.held();
        let found = secret.number().and_then(|number| held.get(&number));
        // Comparing hashes of this type takes the same time wherever they differ.
        let found = found
            .filter(|held| held.hash == secret.hash())
            .ok_or(Stranger::Unknown)?;
        let number = found.key.number;
        if found.key.revoked_at.is_some() {
            return Err(Stranger::Revoked { number });
        }
        found.note_use(self.clock.now());
        Ok(Arc::clone(&found.key))
    }

    /// Whether the key of that number is revoked; one that never was is not.
    pub fn is_revoked(&self, number: u32) -> bool {
        let held = self.held();
        held.get(&number)
            .is_some_and(|held| held.key.revoked_at.is_some())
    }

    /// Whether pages of this origin may send with any key.
    pub fn is_origin_listed(&self, origin: &WebOrigin) -> bool {
        let held = self.held();
        let mut live = held.values().filter(|held| held.key.revoked_at.is_none());
        live.any(|held| held.key.origins.contains(origin))
    }

    /// What others see of whoever changes something. A key may change what was made with it, one for admin everything; so
    /// may those who need none.
    pub fn author(&self, actor: Actor) -> Author {
        let Actor::Key(number) = actor else {
            return Author::local(actor);
        };
        let held = self.held();
        let key = held.get(&number).map(|held| &held.key);
        let name = key.map_or("", |key| &key.name);
        Author {
            actor,
            name: match name.is_empty() {
                true => format!("key {number}"),
                false => name.to_owned(),
            },
            changes_all: key.is_some_and(|key| key.scope == Scope::Admin),
        }
    }

    /// Whether there ever was a key of this scope.
    pub fn has_had(&self, scope: Scope) -> bool {
        self.held().values().any(|held| held.key.scope == scope)
    }

    /// All keys, revoked ones too, by number.
    pub fn list(&self) -> Vec<Key> {
        self.held().values().map(Held::shown).collect()
    }

    /// # Errors
    /// When the change can't be written.
    pub async fn create(&self, request: KeyRequest, actor: Actor) -> Result<Created, Error> {
        if self.held().len() >= KEYS_MAX {
            return Err(Error::TooManyKeys { max: KEYS_MAX });
        }
        let now = self.clock.now();
        let mut transaction = self.database.begin().await?;
        let number = self.database.next_number(&mut transaction).await?;
        let secret = Secret::make(request.scope(), number);
        let (key, hash) = (request.into_key(number, now), secret.hash());
        let database = &self.database;
        database.insert(&mut transaction, &key, hash).await?;
        let change = Change {
            actor,
            action: "create",
            subject: format!("key {number}"),
            detail: &rows::detail(&key),
        };
        database.record(&mut transaction, change, now).await?;
        database.commit(transaction).await?;
        self.hold(Held::new(key.clone(), hash));
        Ok(Created { key, secret })
    }

    /// From now on the key is refused. A revoked key stays as it is.
    ///
    /// # Errors
    /// When there is no such key, or the change can't be written: then it is refused until the next start only.
    pub async fn revoke(&self, number: u32, actor: Actor) -> Result<Key, Error> {
        let now = self.clock.now();
        // In memory first: whatever happens to the writing, or to the one who waits for it, the key is out of use.
        let key = self
            .refuse(number, now)
            .ok_or(Error::NoSuchKey { number })?;
        let mut transaction = self.database.begin().await?;
        if self.database.revoke(&mut transaction, number, now).await? {
            let change = Change {
                actor,
                action: "revoke",
                subject: format!("key {number}"),
                detail: &rows::detail(&key),
            };
            self.database.record(&mut transaction, change, now).await?;
        }
        self.database.commit(transaction).await?;
        Ok(key)
    }

    /// Writes down now and then when keys were last used, until `stop`; then closes the database.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(USE_STEP);
        tokio::pin!(stop);
        loop {
            let stopped = tokio::select! {
                () = &mut stop => true,
                _ = ticks.tick() => false,
            };
            if let Err(error) = self.keep_uses().await {
                tracing::warn!(%error, "when keys were last used is not written down");
            }
            if stopped {
                return self.database.close().await;
            }
        }
    }

    async fn keep_uses(&self) -> Result<(), Error> {
        let uses: Vec<(u32, i64)> = {
            let held = self.held();
            let new = held
                .values()
                .filter_map(|held| Some((held.key.number, held.unkept_use()?)));
            new.collect()
        };
        if uses.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin().await?;
        for (number, at) in &uses {
            self.database
                .note_use(&mut transaction, *number, UnixNanos(*at))
                .await?;
        }
        self.database.commit(transaction).await?;
        let held = self.held();
        for (number, at) in uses {
            if let Some(held) = held.get(&number) {
                held.used_at_kept.store(at, Relaxed);
            }
        }
        Ok(())
    }

    fn refuse(&self, number: u32, now: UnixNanos) -> Option<Key> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let held = held.get_mut(&number)?;
        Arc::make_mut(&mut held.key).revoked_at.get_or_insert(now);
        Some(held.shown())
    }

    fn hold(&self, new: Held) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(new.key.number, new);
    }

    fn held(&self) -> RwLockReadGuard<'_, BTreeMap<u32, Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Held {
    fn new(mut key: Key, hash: blake3::Hash) -> Self {
        let used_at = key.used_at.take().map_or(NEVER, |at| at.0);
        Self {
            key: Arc::new(key),
            hash,
            used_at: AtomicI64::new(used_at),
            used_at_kept: AtomicI64::new(used_at),
        }
    }

    fn note_use(&self, now: UnixNanos) {
        let step = i64::try_from(USE_STEP.as_nanos()).expect("a minute is few nanoseconds");
        if now.0.saturating_sub(self.used_at.load(Relaxed)) >= step {
            self.used_at.store(now.0, Relaxed);
        }
    }

    fn unkept_use(&self) -> Option<i64> {
        let at = self.used_at.load(Relaxed);
        (at != self.used_at_kept.load(Relaxed)).then_some(at)
    }

    fn shown(&self) -> Key {
        let used_at = self.used_at.load(Relaxed);
        Key {
            used_at: (used_at != NEVER).then_some(UnixNanos(used_at)),
            ..Key::clone(&self.key)
        }
    }
}

#[cfg(test)]
mod tests;
