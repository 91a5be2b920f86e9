//! Backups: everything that a lake holds, copied to another store while it goes on, and put back from there. The index is
//! written last, so a backup that was cut short leaves the one before it whole.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use crawlspace_disk::FileSystem;
use crawlspace_model::Table;
use crawlspace_model::table::FORMAT_VERSION;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;

use crate::catalogue::copy_database;
use crate::error::Error;
use crate::lake::Lake;
use crate::part;

const INDEX: &str = "index.json";
const INDEX_DRAFT: &str = "index.json.new";
/// The directory of copied databases.
const DATABASES: &str = "databases";
/// The catalogue's name among them.
pub const CATALOGUE: &str = "catalogue.sqlite";
/// Bytes that are read and written at a time.
const PIECE_BYTES: u64 = 4 << 20;

/// What a backup consists of: every object in it, by its path. All else there is left over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    format_version: u32,
    /// Nanoseconds since 1970.
    taken_at: String,
    /// The objects of parts, by their path in the lake's store and in the backup.
    parts: BTreeMap<String, Entry>,
    /// Databases by name.
    databases: BTreeMap<String, DatabaseEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    size_bytes: u64,
    crc32c: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct DatabaseEntry {
    path: String,
    #[serde(flatten)]
    entry: Entry,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub parts: usize,
    pub parts_total: usize,
    pub bytes: u64,
    pub bytes_total: u64,
}

/// What a backup holds, or what was restored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackedUp {
    pub parts: usize,
    pub bytes: u64,
    /// Of these, what had to be copied: the others were there.
    pub copied_parts: usize,
    pub copied_bytes: u64,
}

pub type OnProgress<'a> = dyn Fn(Progress) + Send + Sync + 'a;

/// A directory for databases on their way, and the databases that are no part of the lake, by name; one that does not
/// exist is left out.
#[derive(Debug, Clone)]
pub struct Sources {
    pub scratch: PathBuf,
    pub databases: Vec<(String, PathBuf)>,
}

impl Lake {
    /// Copies everything that is in parts to `target`. What a backup there has already is not copied again, and what is
    /// no part of the new one is deleted at the end. Ingest, queries and compaction go on.
    ///
    /// # Errors
    /// A store can't be read or written, or a part is damaged. An older backup stays whole.
    pub async fn backup(
        &self,
        target: &Arc<dyn ObjectStore>,
        sources: &Sources,
        on_progress: &OnProgress<'_>,
    ) -> Result<BackedUp, Error> {
        // Objects that this backup names stay, though they may end meanwhile.
        let _kept = self.sweeping.read().await;
        let scratch = Scratch::new(&sources.scratch)?;
        let catalogue = scratch.file(CATALOGUE);
        let parts = {
            let _committing = self.committing.lock().await;
            self.catalogue.copy_to(&catalogue).await?;
            self.parts()
        };
        let before = read_index(target.as_ref()).await?.unwrap_or_default();
        let mut index = Index {
            format_version: FORMAT_VERSION,
            taken_at: self.clock.now().0.to_string(),
            ..Index::default()
        };
        let mut progress = Progress {
            parts_total: parts.len(),
            bytes_total: parts.iter().map(|part| part.meta.size_bytes).sum(),
            ..Progress::default()
        };
        let mut done = BackedUp::default();
        for part in parts {
            let (path, size) = (part::location(&part.meta), part.meta.size_bytes);
            let known = before.parts.get(path.as_ref());
            let entry = match known.filter(|known| known.size_bytes == size) {
                Some(known) if is_there(target.as_ref(), &path, size).await? => *known,
                _ => {
                    done.copied_parts += 1;
                    done.copied_bytes += size;
                    copy(self.store.as_ref(), target, &path, size).await?
                }
            };
            index.parts.insert(path.to_string(), entry);
            progress.parts += 1;
            progress.bytes += size;
            on_progress(progress);
        }
        (done.parts, done.bytes) = (progress.parts, progress.bytes);
        let databases = sources.databases.iter().cloned();
        let databases = databases.filter(|(_, path)| path.exists());
        for (name, path) in databases.chain([(CATALOGUE.to_owned(), catalogue)]) {
            let copied = if name == CATALOGUE {
                path
            } else {
                let copied = scratch.file(&name);
                copy_database(&path, &copied).await?;
                copied
            };
            let bytes = read_file(copied).await?;
            let path = format!("{DATABASES}/{}-{name}", uuid::Uuid::new_v4());
            let entry = Entry {
                size_bytes: bytes.len() as u64,
                crc32c: crc32c::crc32c(&bytes),
            };
            target.put(&Path::from(path.as_str()), bytes.into()).await?;
            index.databases.insert(name, DatabaseEntry { path, entry });
        }
        write_index(target.as_ref(), &index).await?;
        remove_unnamed(target.as_ref(), &index).await?;
        Ok(done)
    }
}

/// Puts a backup back: its parts into `target`, and its databases, by name, into new files. Every byte is checked.
///
/// # Errors
/// There is no backup, it is damaged or of a newer version, or a store or file can't be read or written.
pub async fn restore(
    source: &dyn ObjectStore,
    target: &Arc<dyn ObjectStore>,
    files: &Arc<dyn FileSystem>,
    place: &(dyn Fn(&str) -> PathBuf + Send + Sync),
    on_progress: &OnProgress<'_>,
) -> Result<BackedUp, Error> {
    let index = read_index(source).await?.ok_or(Error::NoBackup)?;
    if index.format_version > FORMAT_VERSION {
        return Err(Error::BackupVersion {
            version: index.format_version,
        });
    }
    let mut progress = Progress {
        parts_total: index.parts.len(),
        bytes_total: index.parts.values().map(|entry| entry.size_bytes).sum(),
        ..Progress::default()
    };
    for (path, expected) in &index.parts {
        let path = Path::from(path.as_str());
        let found = copy(source, target, &path, expected.size_bytes).await?;
        check(path.as_ref(), *expected, found)?;
        progress.parts += 1;
        progress.bytes += expected.size_bytes;
        on_progress(progress);
    }
    for (name, DatabaseEntry { path, entry }) in &index.databases {
        let bytes = source
            .get(&Path::from(path.as_str()))
            .await?
            .bytes()
            .await?;
        let found = Entry {
            size_bytes: bytes.len() as u64,
            crc32c: crc32c::crc32c(&bytes),
        };
        check(path, *entry, found)?;
        write_file(files, place(name), bytes).await?;
    }
    Ok(BackedUp {
        parts: progress.parts,
        bytes: progress.bytes,
        copied_parts: progress.parts,
        copied_bytes: progress.bytes,
    })
}

fn check(path: &str, expected: Entry, found: Entry) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::BackupDamaged {
            path: path.to_owned(),
        })
    }
}

async fn read_index(store: &dyn ObjectStore) -> Result<Option<Index>, Error> {
    let found = match store.get(&Path::from(INDEX)).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        found => found?.bytes().await?,
    };
    serde_json::from_slice(&found)
        .map(Some)
        .map_err(|_| Error::BackupDamaged {
            path: INDEX.to_owned(),
        })
}

/// Under another name first: the index is the new one or the old one, whole.
async fn write_index(store: &dyn ObjectStore, index: &Index) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(index).expect("an index always has a JSON form");
    let draft = Path::from(INDEX_DRAFT);
    delete(store, &draft).await?;
    store.put(&draft, text.into()).await?;
    Ok(store.rename(&draft, &Path::from(INDEX)).await?)
}

async fn is_there(store: &dyn ObjectStore, path: &Path, size: u64) -> Result<bool, Error> {
    match store.head(path).await {
        Ok(object) => Ok(object.size == size),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Copies an object, in place of whatever an earlier attempt left.
async fn copy(
    from: &dyn ObjectStore,
    to: &Arc<dyn ObjectStore>,
    path: &Path,
    size: u64,
) -> Result<Entry, Error> {
    delete(to.as_ref(), path).await?;
    let mut writer = BufWriter::new(Arc::clone(to), path.clone());
    let (mut at, mut sum) = (0, 0);
    while at < size {
        let bytes = from.get_range(path, at..size.min(at + PIECE_BYTES)).await?;
        sum = crc32c::crc32c_append(sum, &bytes);
        at += bytes.len() as u64;
        writer.put(bytes).await?;
    }
    let written = writer.shutdown().await;
    written.map_err(|source| Error::File {
        what: format!("backup's object `{path}`"),
        source,
    })?;
    Ok(Entry {
        size_bytes: at,
        crc32c: sum,
    })
}

/// Deletes what earlier backups had and this one does not.
async fn remove_unnamed(store: &dyn ObjectStore, index: &Index) -> Result<(), Error> {
    let directories = Table::ALL
        .map(part::directory)
        .into_iter()
        .chain([Path::from(DATABASES)]);
    for directory in directories {
        let found = store.list_with_delimiter(Some(&directory)).await?;
        for object in found.objects {
            let path = object.location.as_ref();
            let is_named = index.parts.contains_key(path)
                || index.databases.values().any(|entry| entry.path == path);
            if !is_named {
                delete(store, &object.location).await?;
            }
        }
    }
    Ok(())
}

async fn delete(store: &dyn ObjectStore, path: &Path) -> Result<(), Error> {
    match store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn read_file(path: PathBuf) -> Result<Bytes, Error> {
    let bytes = tokio::fs::read(&path).await.map_err(|source| Error::File {
        what: format!("file `{}`", path.display()),
        source,
    })?;
    Ok(BytesMut::from(bytes.as_slice()).freeze())
}

async fn write_file(files: &Arc<dyn FileSystem>, path: PathBuf, bytes: Bytes) -> Result<(), Error> {
    let files = Arc::clone(files);
    let what = format!("file `{}`", path.display());
    let write = move || {
        let parent = path.parent().unwrap_or(FilePath::new("."));
        files.create_dir_all(parent)?;
        let mut file = files.create(&path)?;
        file.append(&bytes)?;
        file.sync()?;
        files.sync_dir(parent)
    };
    tokio::task::spawn_blocking(write)
        .await?
        .map_err(|source| Error::File { what, source })
}

/// A directory that is empty when a backup begins and gone when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: &FilePath) -> Result<Self, Error> {
        let path = path.to_owned();
        _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).map_err(|source| Error::File {
            what: format!("directory `{}`", path.display()),
            source,
        })?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How the place of a backup becomes a store.
pub type OpenStore = dyn Fn(&str) -> Result<Arc<dyn ObjectStore>, Error> + Send + Sync;

/// Takes backups of one lake, one at a time.
pub struct Backups {
    lake: Arc<Lake>,
    sources: Sources,
    open: Box<OpenStore>,
    running: tokio::sync::Mutex<()>,
}

impl Backups {
    #[must_use]
    pub fn new(lake: Arc<Lake>, sources: Sources, open: Box<OpenStore>) -> Self {
        Self {
            lake,
            sources,
            open,
            running: tokio::sync::Mutex::default(),
        }
    }

    /// Copies what is in parts to a place: rows in memory are to be flushed before.
    ///
    /// # Errors
    /// The place means nothing, another backup runs, or as [`Lake::backup`].
    pub async fn take(&self, place: &str, on_progress: &OnProgress<'_>) -> Result<BackedUp, Error> {
        let target = (self.open)(place)?;
        let _running = self.running.try_lock().map_err(|_| Error::BackupRuns)?;
        self.lake.backup(&target, &self.sources, on_progress).await
    }
}
