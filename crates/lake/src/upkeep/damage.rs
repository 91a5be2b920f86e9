//! Damaged and left-over objects: parts that can't be read are set aside, named and counted, and the rest works.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::catalogue::{Change, Part};
use crate::error::Error;
use crate::lake::{AtStart, Lake};
use crate::part;
use crate::store::is_damage;

/// Where damaged parts are kept for inspection.
const DIRECTORY: &str = "damaged";
/// What the parts set aside may take together; beyond that the oldest go.
const DAMAGED_BYTES_MAX: u64 = 1 << 30;
const DAMAGED_PARTS_MAX: usize = 1_000;
/// A part is damaged if it is so each time that it is looked at: a store may have given less than it has, for once.
const LOOKS: usize = 5;
/// How much of a part is read at a time to check it.
const READ_BYTES: usize = 4 << 20;

/// The names of parts that earlier runs set aside.
async fn set_aside_before(store: &dyn ObjectStore) -> Result<Vec<String>, Error> {
    let found = store
        .list_with_delimiter(Some(&Path::from(DIRECTORY)))
        .await?;
    Ok(found
        .objects
        .into_iter()
        .filter_map(|object| Some(part_name(object.location.filename()?).to_owned()))
        .collect())
}

/// The part's own name, without the time at which it was set aside.
fn part_name(file_name: &str) -> &str {
    match file_name.split_once('-') {
        Some((time, name)) if time.len() == 19 => name,
        _ => file_name,
    }
}

impl Lake {
    /// Looks at what earlier runs left: damaged parts are named, unfit ones set aside, uncommitted objects deleted.
    pub(crate) async fn take_stock(&self) -> Result<(), Error> {
        let before = set_aside_before(self.store.as_ref()).await?;
        self.state().damaged = before;
        match self.config.at_start {
            AtStart::CheckParts => self.set_aside_unfit().await?,
            // It would be asked about each part; one that is missing is found when it is read.
            AtStart::TrustStore => {}
            AtStart::Look => return Ok(()),
        }
        self.remove_uncommitted().await
    }

    /// Sets aside the parts whose object is missing or of another size.
    pub(crate) async fn set_aside_unfit(&self) -> Result<(), Error> {
        for part in self.parts() {
            let expected = part.meta.size_bytes;
            match self.store.head(&part::location(&part.meta)).await {
                Ok(object) if object.size == expected => {}
                Ok(object) => {
                    self.set_aside(
                        &part,
                        &format!("{} bytes instead of {expected}", object.size),
                    )
                    .await?
                }
                Err(object_store::Error::NotFound { .. }) => {
                    self.set_aside(&part, "its file is gone").await?
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads every part to the end and sets aside those whose bytes are not what was written: for when a query has
    /// failed. Answers how many were.
    ///
    /// # Errors
    /// The catalogue or the store can't be used; a part that just can't be read now stays.
    pub async fn check_parts(&self) -> Result<usize, Error> {
        let _merging = self.merging.lock().await;
        self.set_aside_damaged().await
    }

    /// The same, for who holds `merging`.
    pub(crate) async fn set_aside_damaged(&self) -> Result<usize, Error> {
        let mut damaged = 0;
        for part in self.parts() {
            if let Some(damage) = self.damage_of(&part).await? {
                self.set_aside(&part, &damage).await?;
                damaged += 1;
            }
        }
        Ok(damaged)
    }

    async fn damage_of(&self, part: &Part) -> Result<Option<String>, Error> {
        let mut damage = None;
        for _ in 0..LOOKS {
            match self.read_whole(part).await {
                Ok(()) => return Ok(None),
                Err(error) if is_damage(&error) => damage = Some(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damage)
    }

    /// Reads a part's bytes, which checks them.
    pub(crate) async fn read_whole(&self, part: &Part) -> Result<(), object_store::Error> {
        let path = part::location(&part.meta);
        let size = part.meta.size_bytes;
        for start in (0..size).step_by(READ_BYTES) {
            let end = size.min(start + READ_BYTES as u64);
            self.store.get_range(&path, start..end).await?;
        }
        Ok(())
    }

    /// Ends a damaged part and moves its object out of the way, where it stays for inspection.
    async fn set_aside(&self, part: &Part, reason: &str) -> Result<(), Error> {
        let path = part::location(&part.meta);
        tracing::error!(part = %path, rows = part.meta.rows, reason, "damaged part set aside: answers miss its rows");
        let change = Change {
            removed_parts: vec![part.id],
            ..Change::default()
        };
        self.commit(&change, Vec::new(), |state| {
            state.damaged.push(part.meta.file_name.clone());
        })
        .await?;
        self.keep_aside(&path).await
    }

    /// Moves an object out of the way, where it stays for inspection.
    pub(crate) async fn keep_aside(&self, path: &Path) -> Result<(), Error> {
        // Names begin with the time, so that the oldest come first.
        let name = format!(
            "{:019}-{}",
            self.clock.now().0,
            path.filename().unwrap_or_default()
        );
        let kept = Path::from_iter([DIRECTORY, &name]);
        match self.store.rename(path, &kept).await {
            Err(object_store::Error::NotFound { .. }) => {
                // Nothing to inspect, but the loss is still to be counted after a restart.
                self.store.put(&kept, Vec::new().into()).await?;
            }
            renamed => renamed?,
        }
        self.bound_damaged().await
    }

    /// Deletes the oldest of the parts set aside, as far as there are too many.
    async fn bound_damaged(&self) -> Result<(), Error> {
        let directory = Path::from(DIRECTORY);
        let mut found = self
            .store
            .list_with_delimiter(Some(&directory))
            .await?
            .objects;
        found.sort_by(|a, b| b.location.cmp(&a.location));
        let mut bytes = 0;
        for (index, object) in found.into_iter().enumerate() {
            bytes += object.size;
            if index >= DAMAGED_PARTS_MAX || bytes > DAMAGED_BYTES_MAX {
                tracing::warn!(object = %object.location, "deleting an old damaged part: too many are set aside");
                self.delete(&object.location).await?;
            }
        }
        Ok(())
    }

    /// All live parts.
    pub(crate) fn parts(&self) -> Vec<Arc<Part>> {
        self.state()
            .tables
            .iter()
            .flat_map(|table| table.parts.iter().cloned())
            .collect()
    }
}
