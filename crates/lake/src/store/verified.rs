//! Checksums of parts, block by block: what a read gives is what was written, or it fails. Parquet itself would take a
//! flipped bit for another value.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result,
};
use parquet::arrow::async_writer::AsyncFileWriter;

use crate::catalogue::Part;
use crate::part;

/// Bytes that share a checksum: what a read takes at least.
const BLOCK_BYTES: u64 = 32 << 10;

/// CRC32C of each block of a part.
#[derive(Debug, Default)]
struct Blocks {
    sums: Arc<[u32]>,
    size: u64,
}

/// A file on its way to the store, and the checksums of what has passed.
pub(crate) struct ChecksummedWriter {
    sink: BufWriter,
    sums: Vec<u32>,
    size: u64,
    /// Of the block that is not full yet.
    running: u32,
}

impl ChecksummedWriter {
    pub fn new(sink: BufWriter) -> Self {
        Self {
            sink,
            sums: Vec::new(),
            size: 0,
            running: 0,
        }
    }

    /// The checksums of all that was written.
    pub fn checksums(mut self) -> Vec<u32> {
        if !self.size.is_multiple_of(BLOCK_BYTES) {
            self.sums.push(self.running);
        }
        self.sums
    }

    fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.size % BLOCK_BYTES;
            let taken = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            self.running = crc32c::crc32c_append(self.running, &bytes[..taken]);
            self.size += taken as u64;
            bytes = &bytes[taken..];
            if self.size.is_multiple_of(BLOCK_BYTES) {
                self.sums.push(std::mem::take(&mut self.running));
            }
        }
    }
}

impl AsyncFileWriter for ChecksummedWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        self.note(&bytes);
        AsyncFileWriter::write(&mut self.sink, bytes)
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        AsyncFileWriter::complete(&mut self.sink)
    }
}

/// A store that checks what it reads of the parts it was told of.
#[derive(Debug)]
pub(crate) struct VerifiedStore {
    inner: Arc<dyn ObjectStore>,
    known: RwLock<HashMap<Path, Arc<Blocks>>>,
}

impl VerifiedStore {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            known: RwLock::default(),
        }
    }

    /// Checks reads of this part from now on.
    pub fn expect(&self, part: &Part) {
        let blocks = Blocks {
            sums: Arc::clone(&part.meta.checksums),
            size: part.meta.size_bytes,
        };
        let mut known = self.known.write().expect("no holder of the map panics");
        known.insert(part::location(&part.meta), Arc::new(blocks));
    }

    fn blocks(&self, location: &Path) -> Option<Arc<Blocks>> {
        let known = self.known.read().expect("no holder of the map panics");
        known.get(location).cloned()
    }

    /// For when the object goes.
    pub fn forget(&self, location: &Path) {
        let mut known = self.known.write().expect("no holder of the map panics");
        known.remove(location);
    }
}

impl Blocks {
    /// The whole blocks that a range lies in; none for one of nothing.
    fn around(&self, range: &Range<u64>) -> Range<u64> {
        if range.is_empty() {
            return range.clone();
        }
        let end = range.end.next_multiple_of(BLOCK_BYTES).min(self.size);
        range.start - range.start % BLOCK_BYTES..end.max(range.end)
    }

    /// Checks `bytes`, which are whole blocks from `start` on.
    fn check(&self, location: &Path, bytes: &Bytes, start: u64) -> Result<()> {
        let block = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        let first = usize::try_from(start / BLOCK_BYTES).unwrap_or(usize::MAX);
        for (index, bytes) in bytes.chunks(block).enumerate() {
            if self.sums.get(first + index) != Some(&crc32c::crc32c(bytes)) {
                let at = start + (index * block) as u64;
                return Err(damaged(location, at));
            }
        }
        Ok(())
    }
}

/// The range of `bytes`, which are from `start` on.
fn slice(location: &Path, bytes: &Bytes, start: u64, range: &Range<u64>) -> Result<Bytes> {
    let offset = |position: u64| usize::try_from(position - start).unwrap_or(usize::MAX);
    let (from, to) = (offset(range.start), offset(range.end));
    if to > bytes.len() {
        return Err(damaged(location, start + bytes.len() as u64));
    }
    Ok(bytes.slice(from..to))
}

/// Ranges in their order, none of them empty, those that meet as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let is_near = next.start <= range.end;
        if is_near {
            range.end = range.end.max(next.end);
        }
        is_near
    });
    ranges
}

/// A read that gave other bytes than were written.
#[derive(Debug, thiserror::Error)]
#[error("`{location}` has a bad checksum in the block at byte {at}")]
struct Damaged {
    location: Path,
    at: u64,
}

fn damaged(location: &Path, at: u64) -> Error {
    let location = location.clone();
    Error::Generic {
        store: "verified store",
        source: Box::new(Damaged { location, at }),
    }
}

/// Whether the object itself is at fault: gone, cut short or altered. Any other failure may pass.
pub(crate) fn is_damage(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } => true,
        Error::Generic { source, .. } => {
            let short = source.downcast_ref::<std::io::Error>();
            source.is::<Damaged>()
                || short.is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

/// Whether an error comes from a store that could not be asked, or could not answer: it may pass.
#[must_use]
pub fn is_unreachable(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<Error>())
        .any(|error| !is_damage(error))
}

impl fmt::Display for VerifiedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verified {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for VerifiedStore {
    async fn get_opts(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        let Some(blocks) = self.blocks(location).filter(|_| !options.head) else {
            return self.inner.get_opts(location, options).await;
        };
        let range = match &options.range {
            Some(range) => range
                .as_range(blocks.size)
                .map_err(|source| Error::Generic {
                    store: "verified store",
                    source: source.into(),
                })?,
            None => 0..blocks.size,
        };
        let around = blocks.around(&range);
        options.range = Some(GetRange::Bounded(around.clone()));
        let found = self.inner.get_opts(location, options).await?;
        let (meta, attributes) = (found.meta.clone(), found.attributes.clone());
        let bytes = found.bytes().await?;
        blocks.check(location, &bytes, around.start)?;
        let bytes = slice(location, &bytes, around.start, &range)?;
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes,
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(blocks) = self.blocks(location) else {
            return self.inner.get_ranges(location, ranges).await;
        };
        // Columns share blocks with their neighbours: each is read and checked once.
        let around = joined(ranges.iter().map(|range| blocks.around(range)).collect());
        let found = self.inner.get_ranges(location, &around).await?;
        for (bytes, around) in found.iter().zip(&around) {
            blocks.check(location, bytes, around.start)?;
        }
        let sliced = ranges.iter().map(|range| {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            let place = around.partition_point(|around| around.end < range.end);
            let read = around.get(place).zip(found.get(place));
            let (around, bytes) = read.ok_or_else(|| damaged(location, range.start))?;
            slice(location, bytes, around.start, range)
        });
        sliced.collect()
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
        self.inner.delete_stream(locations)
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
        self.forget(from);
        self.inner.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests;
