//! The sweep: old snapshots of the catalogue are forgotten, and objects deleted that nobody can need any more.

use std::time::Duration;

use crawlspace_disk::fault::{self, Moment};
use crawlspace_model::UnixNanos;
use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::error::Error;
use crate::lake::Lake;
use crate::part;

/// A part that was begun so long ago and is in no catalogue won't come any more: it can't be committed after that.
const WRITING_TIME_MAX: Duration = Duration::from_secs(6 * 3_600);
/// Objects that are deleted at a time.
const DELETIONS_MAX: usize = 8;

impl Lake {
    /// Forgets old snapshots and deletes the objects that nobody can need any more.
    ///
    /// # Errors
    /// The catalogue can't be changed or an object can't be deleted; what is left is tried again next time.
    pub async fn sweep(&self) -> Result<(), Error> {
        let Ok(_sweeping) = self.sweeping.try_write() else {
            // A backup runs; the next sweep finds all that this one would have.
            return Ok(());
        };
        {
            let _merging = self.merging.lock().await;
            self.catalogue
                .expire(self.ago(self.config.snapshot_life))
                .await?;
        }
        fault::crash_at(Moment::SnapshotsExpired);
        self.catalogue.give_up(self.ago(WRITING_TIME_MAX)).await?;
        let grace = self.ago(self.config.object_grace);
        let paths = self.catalogue.scheduled(grace).await?;
        self.delete_objects(paths).await
    }

    /// Deletes the objects that an earlier run began to write and never committed.
    pub(crate) async fn remove_uncommitted(&self) -> Result<(), Error> {
        let paths = self.catalogue.give_up(UnixNanos(i64::MAX)).await?;
        for path in &paths {
            tracing::info!(path, "deleting an object that was never committed");
        }
        self.delete_objects(paths).await
    }

    /// Deletes objects that are scheduled for it, given by their paths below the data path. One that can't be deleted
    /// does not keep the others.
    async fn delete_objects(&self, paths: Vec<String>) -> Result<(), Error> {
        let deletions = stream::iter(paths).map(|path| async {
            let deleted = self.delete(&part::below_data(&path)).await;
            (path, deleted)
        });
        let results: Vec<_> = deletions.buffer_unordered(DELETIONS_MAX).collect().await;
        let (mut gone, mut failed) = (Vec::new(), None);
        for (path, deleted) in results {
            match deleted {
                Ok(()) => gone.push(path),
                Err(error) => failed = Some(error),
            }
        }
        self.catalogue.forget(&gone).await?;
        failed.map_or(Ok(()), Err)
    }

    /// Deletes an object; one that is gone already is no error.
    pub(crate) async fn delete(&self, path: &Path) -> Result<(), Error> {
        self.store.forget(path);
        self.id_pages.forget(path);
        match self.store.delete(path).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
