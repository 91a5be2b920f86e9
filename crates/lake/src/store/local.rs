//! Objects as local files, over the one file trait: what `put` or `complete` has answered is durable, name and bytes.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use crawlspace_disk::{AppendFile, FileSystem};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart,
};

const STORE: &str = "local store";

/// A directory as an object store. Objects are written once and never changed.
#[derive(Debug, Clone)]
pub struct LocalStore {
    files: Arc<dyn FileSystem>,
    root: PathBuf,
}

impl LocalStore {
    #[must_use]
    pub fn new(files: Arc<dyn FileSystem>, root: PathBuf) -> Self {
        Self { files, root }
    }

    fn file(&self, location: &Path) -> PathBuf {
        location
            .parts()
            .fold(self.root.clone(), |path, part| path.join(part.as_ref()))
    }

    /// Runs a blocking call on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        location: &Path,
        call: impl FnOnce(&dyn FileSystem, &std::path::Path) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (files, file) = (Arc::clone(&self.files), self.file(location));
        let result = tokio::task::spawn_blocking(move || call(files.as_ref(), &file)).await;
        let result = result.map_err(|source| Error::Generic {
            store: STORE,
            source: source.into(),
        })?;
        result.map_err(|source| store_error(location, source))
    }

    fn meta(&self, location: &Path, size: u64) -> ObjectMeta {
        // Objects never change, so every moment serves as the one of their last change.
        ObjectMeta {
            location: location.clone(),
            last_modified: object_time(),
            size,
            e_tag: None,
            version: None,
        }
    }
}

/// The time of last change that all objects carry: they have none, being written once.
#[must_use]
pub fn object_time() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::UNIX_EPOCH
}

fn store_error(location: &Path, source: std::io::Error) -> Error {
    let (path, kind) = (location.to_string(), source.kind());
    let source = source.into();
    match kind {
        std::io::ErrorKind::NotFound => Error::NotFound { path, source },
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source },
        _ => Error::Generic {
            store: STORE,
            source,
        },
    }
}

fn create(files: &dyn FileSystem, path: &std::path::Path) -> std::io::Result<Box<dyn AppendFile>> {
    if let Some(directory) = path.parent() {
        files.create_dir_all(directory)?;
    }
    files.create(path)
}

fn finish(
    files: &dyn FileSystem,
    path: &std::path::Path,
    file: &mut dyn AppendFile,
) -> std::io::Result<()> {
    file.sync()?;
    path.parent()
        .map_or(Ok(()), |directory| files.sync_dir(directory))
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE} in {}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        _: PutOptions,
    ) -> Result<PutResult> {
        self.blocking(location, move |files, path| {
            let mut file = create(files, path)?;
            payload.iter().try_for_each(|chunk| file.append(chunk))?;
            finish(files, path, file.as_mut())
        })
        .await?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let file = self.blocking(location, create).await?;
        Ok(Box::new(Upload {
            store: self.clone(),
            location: location.clone(),
            file: Arc::new(Mutex::new(file)),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let size = self
            .blocking(location, |files, path| files.len(path))
            .await?;
        let meta = self.meta(location, size);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range.as_range(size).map_err(|source| Error::Generic {
                store: STORE,
                source: source.into(),
            })?,
            None => 0..size,
        };
        let bytes = if options.head {
            Bytes::new()
        } else {
            self.read(location, range.clone()).await?
        };
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        self.blocking(location, move |files, path| {
            ranges
                .into_iter()
                .map(|range| read_exactly(files, path, range))
                .collect()
        })
        .await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .and_then(move |location| {
                let store = store.clone();
                async move {
                    store
                        .blocking(&location, |files, path| files.remove(path))
                        .await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    /// The objects directly below a prefix.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned().unwrap_or_default());
        stream::once(async move { store.list_with_delimiter(Some(&prefix)).await })
            .map_ok(|found| stream::iter(found.objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let files = self.blocking(&prefix, |files, directory| {
            let paths = match files.list(directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                found => found?,
            };
            paths
                .into_iter()
                .map(|path| Ok((files.len(&path)?, path)))
                .collect::<std::io::Result<Vec<_>>>()
        });
        let names = files
            .await?
            .into_iter()
            .filter_map(|(size, path)| Some((size, path.file_name()?.to_str()?.to_owned())));
        let objects = names
            .map(|(size, name)| self.meta(&prefix.clone().join(name), size))
            .collect();
        Ok(ListResult {
            common_prefixes: Vec::new(),
            objects,
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, _: CopyOptions) -> Result<()> {
        let bytes = self.blocking(from, |files, path| files.read(path)).await?;
        self.put_opts(to, bytes.into(), PutOptions::default())
            .await?;
        Ok(())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, _: RenameOptions) -> Result<()> {
        let target = self.file(to);
        self.blocking(from, move |files, path| {
            if let Some(directory) = target.parent() {
                files.create_dir_all(directory)?;
            }
            files.rename(path, &target)?;
            [path.parent(), target.parent()]
                .into_iter()
                .flatten()
                .try_for_each(|directory| files.sync_dir(directory))
        })
        .await
    }
}

impl LocalStore {
    async fn read(&self, location: &Path, range: Range<u64>) -> Result<Bytes> {
        self.blocking(location, move |files, path| {
            read_exactly(files, path, range)
        })
        .await
    }
}

fn read_exactly(
    files: &dyn FileSystem,
    path: &std::path::Path,
    range: Range<u64>,
) -> std::io::Result<Bytes> {
    let wanted = range.end - range.start;
    let bytes = files.read_range(path, range)?;
    if bytes.len() as u64 == wanted {
        Ok(bytes)
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// A file that is written in pieces.
#[derive(Debug)]
struct Upload {
    store: LocalStore,
    location: Path,
    file: Arc<Mutex<Box<dyn AppendFile>>>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // Written at once: pieces come in the order of the file.
        let mut file = self.file.lock().expect("no holder of the file panics");
        let written = data.iter().try_for_each(|chunk| file.append(chunk));
        let result = written.map_err(|source| store_error(&self.location, source));
        Box::pin(async { result })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let file = Arc::clone(&self.file);
        self.store
            .blocking(&self.location, move |files, path| {
                finish(
                    files,
                    path,
                    file.lock().expect("no holder of the file panics").as_mut(),
                )
            })
            .await?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn abort(&mut self) -> Result<()> {
        self.store
            .blocking(&self.location, |files, path| files.remove(path))
            .await
    }
}
