//! A bounded cache on disk for the parts of a remote store. Parts never change, so nothing in it grows stale. What it
//! gives is what the store gave: each chunk has a checksum, and one that fails counts as absent. Losing it costs time
//! only, so its files are not synced.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use crawlspace_disk::FileSystem;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result,
};

use super::object_time;

/// What is fetched and kept at a time. Eight blocks with a checksum of their own.
const CHUNK_BYTES: u64 = 256 << 10;
/// Chunks that one request to the store may ask for.
const FETCH_CHUNKS_MAX: usize = 64;
/// After a chunk's bytes: the object's size (8 bytes) and the CRC32C of all before it (4 bytes), little-endian.
const SIZE_BYTES: usize = 8;
const SUM_BYTES: usize = 4;
const DRAFT: &str = "new";

/// A remote store with a directory of chunks before it.
#[derive(Debug)]
pub struct CachedStore {
    inner: Arc<dyn ObjectStore>,
    chunks: Arc<Chunks>,
}

/// The chunks on disk, the least lately used of which go first.
#[derive(Debug)]
struct Chunks {
    files: Arc<dyn FileSystem>,
    directory: PathBuf,
    bytes_max: u64,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// By file name: when it was used last, and its bytes on disk.
    chunks: HashMap<String, (u64, u64)>,
    by_use: BTreeMap<u64, String>,
    uses: u64,
    bytes: u64,
}

/// Bytes of an object from a multiple of [`CHUNK_BYTES`] on.
#[derive(Debug, Clone)]
struct Chunk {
    bytes: Bytes,
    object_size: u64,
}

impl Index {
    fn touch(&mut self, name: &str, bytes: u64) {
        self.remove(name);
        self.uses += 1;
        self.bytes += bytes;
        self.chunks.insert(name.to_owned(), (self.uses, bytes));
        self.by_use.insert(self.uses, name.to_owned());
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some((used, bytes)) = self.chunks.remove(name) else {
            return false;
        };
        self.by_use.remove(&used);
        self.bytes -= bytes;
        true
    }
}

impl Chunks {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().expect("no holder of the index panics")
    }

    /// The chunk of that name, if it is here and whole.
    fn read(&self, name: &str) -> Option<Chunk> {
        if !self.index().chunks.contains_key(name) {
            return None;
        }
        let path = self.directory.join(name);
        let chunk = self.files.read(&path).ok().and_then(unpacked);
        let mut index = self.index();
        if let Some(chunk) = &chunk {
            index.touch(name, packed_bytes(chunk));
        } else if index.remove(name) {
            drop(index);
            _ = self.files.remove(&path);
        }
        chunk
    }

    fn write(&self, name: &str, chunk: &Chunk) -> std::io::Result<()> {
        let bytes = packed_bytes(chunk);
        let (draft, gone) = {
            let mut index = self.index();
            if bytes > self.bytes_max || index.chunks.contains_key(name) {
                return Ok(());
            }
            index.uses += 1;
            let draft = format!("{name}.{}.{DRAFT}", index.uses);
            let mut gone = Vec::new();
            while index.bytes + bytes > self.bytes_max {
                let Some((_, oldest)) = index.by_use.pop_first() else {
                    break;
                };
                index.remove(&oldest);
                gone.push(oldest);
            }
            (draft, gone)
        };
        for name in gone {
            self.files.remove(&self.directory.join(name))?;
        }
        let draft = self.directory.join(draft);
        let mut file = self.files.create(&draft)?;
        file.append(&packed(chunk))?;
        self.files.rename(&draft, &self.directory.join(name))?;
        self.index().touch(name, bytes);
        Ok(())
    }

    /// Drops what there is of an object.
    fn forget(&self, object: &str) {
        let prefix = format!("{object}.");
        let mut index = self.index();
        let names: Vec<String> = index
            .chunks
            .keys()
            .filter(|name| name.starts_with(&prefix))
            .cloned()
            .collect();
        for name in names {
            index.remove(&name);
            _ = self.files.remove(&self.directory.join(name));
        }
    }
}

fn packed_bytes(chunk: &Chunk) -> u64 {
    (chunk.bytes.len() + SIZE_BYTES + SUM_BYTES) as u64
}

fn packed(chunk: &Chunk) -> Vec<u8> {
    let mut packed = chunk.bytes.to_vec();
    packed.extend(chunk.object_size.to_le_bytes());
    packed.extend(crc32c::crc32c(&packed).to_le_bytes());
    packed
}

fn unpacked(packed: Bytes) -> Option<Chunk> {
    let (body, sum) = packed.split_last_chunk::<SUM_BYTES>()?;
    if crc32c::crc32c(body).to_le_bytes() != *sum {
        return None;
    }
    let (bytes, size) = body.split_last_chunk::<SIZE_BYTES>()?;
    Some(Chunk {
        bytes: packed.slice(..bytes.len()),
        object_size: u64::from_le_bytes(*size),
    })
}

impl CachedStore {
    /// Puts at most `bytes_max` bytes in `directory`, which nobody else may use; what an earlier run left there serves.
    ///
    /// # Errors
    /// The directory can't be made or read.
    pub fn open(
        inner: Arc<dyn ObjectStore>,
        files: Arc<dyn FileSystem>,
        directory: PathBuf,
        bytes_max: u64,
    ) -> std::io::Result<Self> {
        files.create_dir_all(&directory)?;
        let mut index = Index::default();
        for path in files.list(&directory)? {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|name| !name.ends_with(DRAFT)) else {
                files.remove(&path)?;
                continue;
            };
            let bytes = files.len(&path)?;
            if index.bytes + bytes > bytes_max {
                files.remove(&path)?;
            } else {
                index.touch(name, bytes);
            }
        }
        let chunks = Chunks {
            files,
            directory,
            bytes_max,
            index: Mutex::new(index),
        };
        Ok(Self {
            inner,
            chunks: Arc::new(chunks),
        })
    }

    /// The chunks that these ranges of an object lie in, by number.
    async fn chunks(
        &self,
        location: &Path,
        object: &str,
        ranges: &[Range<u64>],
    ) -> Result<HashMap<u64, Chunk>> {
        let wanted: BTreeSet<u64> = ranges
            .iter()
            .flat_map(|range| range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES))
            .collect();
        let (mut found, missing) = self.kept(object, wanted).await?;
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in missing {
            match runs.last_mut() {
                Some(run) if run.end == number && run.end - run.start < FETCH_CHUNKS_MAX as u64 => {
                    run.end += 1;
                }
                _ => runs.push(number..number + 1),
            }
        }
        for run in runs {
            found.extend(self.fetch(location, object, run).await?);
        }
        Ok(found)
    }

    /// The chunks that are on disk, and the numbers of the others.
    async fn kept(
        &self,
        object: &str,
        wanted: BTreeSet<u64>,
    ) -> Result<(HashMap<u64, Chunk>, Vec<u64>)> {
        let (chunks, object) = (Arc::clone(&self.chunks), object.to_owned());
        let read = move || {
            let (mut found, mut missing) = (HashMap::new(), Vec::new());
            for number in wanted {
                match chunks.read(&name_of(&object, number)) {
                    Some(chunk) => _ = found.insert(number, chunk),
                    None => missing.push(number),
                }
            }
            (found, missing)
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }

    /// Gets chunks from the store and keeps them.
    async fn fetch(
        &self,
        location: &Path,
        object: &str,
        run: Range<u64>,
    ) -> Result<Vec<(u64, Chunk)>> {
        let start = run.start * CHUNK_BYTES;
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..run.end * CHUNK_BYTES)),
            ..GetOptions::default()
        };
        let result = self.inner.get_opts(location, options).await?;
        let object_size = result.meta.size;
        let bytes = result.bytes().await?;
        let step = usize::try_from(CHUNK_BYTES).unwrap_or(usize::MAX);
        let starts = (0..bytes.len()).step_by(step);
        let fetched: Vec<(u64, Chunk)> = run
            .zip(starts)
            .map(|(number, start)| {
                let bytes = bytes.slice(start..bytes.len().min(start + step));
                (number, Chunk { bytes, object_size })
            })
            .collect();
        let (chunks, object, kept) = (Arc::clone(&self.chunks), object.to_owned(), fetched.clone());
        let write = move || {
            for (number, chunk) in kept {
                if let Err(error) = chunks.write(&name_of(&object, number), &chunk) {
                    tracing::warn!(%error, directory = %chunks.directory.display(), "the cache of the store can't be written");
                    break;
                }
            }
        };
        tokio::task::spawn_blocking(write).await?;
        Ok(fetched)
    }

    async fn forget(&self, location: &Path) {
        if let Some(object) = part_of(location) {
            let (chunks, object) = (Arc::clone(&self.chunks), object.to_owned());
            // A file that stays is only of no use until it is the oldest.
            _ = tokio::task::spawn_blocking(move || chunks.forget(&object)).await;
        }
    }
}

/// The file name of a part: parts alone are kept, for they never change and their names are unique.
fn part_of(location: &Path) -> Option<&str> {
    location
        .filename()
        .filter(|name| name.ends_with(".parquet"))
}

fn name_of(object: &str, number: u64) -> String {
    format!("{object}.{number}")
}

/// The bytes of a range, out of the chunks it lies in.
fn assembled(location: &Path, chunks: &HashMap<u64, Chunk>, range: &Range<u64>) -> Result<Bytes> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let number = at / CHUNK_BYTES;
        let from = usize::try_from(at % CHUNK_BYTES).unwrap_or(usize::MAX);
        let until = range.end.min((number + 1) * CHUNK_BYTES);
        let length = usize::try_from(until - at).unwrap_or(usize::MAX);
        let piece = chunks
            .get(&number)
            .filter(|chunk| from.saturating_add(length) <= chunk.bytes.len())
            .map(|chunk| chunk.bytes.slice(from..from + length));
        let Some(piece) = piece else {
            return Err(Error::Generic {
                store: "cached store",
                source: format!("`{location}` ends before byte {until}").into(),
            });
        };
        pieces.push(piece);
        at = until;
    }
    Ok(match pieces.len() {
        1 => pieces.swap_remove(0),
        _ => pieces.concat().into(),
    })
}

impl fmt::Display for CachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cached {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for CachedStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let range = match (&options.range, part_of(location)) {
            (Some(GetRange::Bounded(range)), Some(_)) if !options.head && !range.is_empty() => {
                range.clone()
            }
            _ => return self.inner.get_opts(location, options).await,
        };
        let object = part_of(location).unwrap_or_default();
        let chunks = self
            .chunks(location, object, std::slice::from_ref(&range))
            .await?;
        let size = chunks.values().map(|chunk| chunk.object_size).max();
        let bytes = assembled(location, &chunks, &range)?;
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: object_time(),
            size: size.unwrap_or_default(),
            e_tag: None,
            version: None,
        };
        options.check_preconditions(&meta)?;
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(object) = part_of(location) else {
            return self.inner.get_ranges(location, ranges).await;
        };
        let chunks = self.chunks(location, object, ranges).await?;
        ranges
            .iter()
            .map(|range| assembled(location, &chunks, range))
            .collect()
    }

    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let chunks = Arc::clone(&self.chunks);
        self.inner
            .delete_stream(locations)
            .inspect_ok(move |location| {
                if let Some(object) = part_of(location) {
                    chunks.forget(object);
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.forget(from).await;
        self.inner.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests;
