//! Damaged and left-over objects: parts that can't be read are set aside, named and counted, and the rest works.

use std::sync::Arc;

use crawlspace_model::Table;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::catalogue::{Change, Part};
use crate::checksum::is_damage;
use crate::error::Error;
use crate::lake::Lake;
use crate::part;

/// Where damaged parts are kept for inspection.
const DIRECTORY: &str = "damaged";
/// How much of a part is read at a time to check it.
const READ_BYTES: usize = 4 << 20;

/// The names of parts that earlier runs set aside.
pub(crate) async fn set_aside_before(store: &dyn ObjectStore) -> Result<Vec<String>, Error> {
    let found = store
        .list_with_delimiter(Some(&Path::from(DIRECTORY)))
        .await?;
    Ok(found
        .objects
        .into_iter()
        .filter_map(|object| Some(object.location.filename()?.to_owned()))
        .collect())
}

impl Lake {
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
            match self.read_whole(&part).await {
                Ok(()) => {}
                Err(error) if is_damage(&error) => {
                    self.set_aside(&part, &error.to_string()).await?;
                    damaged += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damaged)
    }

    /// Reads a part's bytes, which checks them.
    async fn read_whole(&self, part: &Part) -> Result<(), object_store::Error> {
        let path = part::location(&part.meta);
        let size = part.meta.size_bytes;
        for start in (0..size).step_by(READ_BYTES) {
            let end = size.min(start + READ_BYTES as u64);
            self.store.get_range(&path, start..end).await?;
        }
        Ok(())
    }

    /// Deletes objects that a crash left behind: written, but never committed.
    pub(crate) async fn remove_uncommitted(&self) -> Result<(), Error> {
        let named = self.catalogue.objects().await?;
        let named: Vec<Path> = named.iter().map(|path| part::below_data(path)).collect();
        for table in Table::ALL {
            let found = self
                .store
                .list_with_delimiter(Some(&part::directory(table)))
                .await?;
            for object in found
                .objects
                .into_iter()
                .filter(|object| !named.contains(&object.location))
            {
                tracing::info!(object = %object.location, "deleting an object that was never committed");
                self.delete(&object.location).await?;
            }
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
        let name = part.meta.file_name.clone();
        self.commit(&change, Vec::new(), |state| {
            state.damaged.push(name.clone())
        })
        .await?;
        match self
            .store
            .rename(&path, &Path::from_iter([DIRECTORY, &part.meta.file_name]))
            .await
        {
            Err(object_store::Error::NotFound { .. }) => {
                // Nothing to inspect, but the loss is still to be counted after a restart.
                self.store
                    .put(
                        &Path::from_iter([DIRECTORY, &part.meta.file_name]),
                        Vec::new().into(),
                    )
                    .await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    fn parts(&self) -> Vec<Arc<Part>> {
        self.state()
            .tables
            .iter()
            .flat_map(|table| table.parts.iter().cloned())
            .collect()
    }
}
