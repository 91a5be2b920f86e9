//! An object store that fails, lies about it, and gives less than there is: by turns that come from a seed.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// One call in so many goes wrong.
const CALLS_PER_FAULT: u32 = 6;

#[derive(Debug)]
pub struct FaultyStore {
    inner: InMemory,
    random: Mutex<StdRng>,
    is_faulty: AtomicBool,
}

/// What a call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Works,
    /// Nothing is done, and an error says so.
    Fails,
    /// It is done, and an error says that it is not.
    Lies,
}

impl FaultyStore {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: InMemory::new(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            is_faulty: AtomicBool::new(true),
        })
    }

    /// From now on nothing goes wrong any more.
    pub fn mend(&self) {
        self.is_faulty.store(false, Ordering::Relaxed);
    }

    fn turn(&self) -> Turn {
        let mut random = self.random.lock().unwrap();
        if !self.is_faulty.load(Ordering::Relaxed) || !random.random_ratio(1, CALLS_PER_FAULT) {
            return Turn::Works;
        }
        match random.random() {
            true => Turn::Fails,
            false => Turn::Lies,
        }
    }

    /// Does the work, or not, and tells what it likes.
    async fn told<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.turn() {
            Turn::Works => work.await,
            Turn::Fails => Err(fault("503 slow down")),
            Turn::Lies => {
                work.await?;
                Err(fault("no answer within the time"))
            }
        }
    }
}

fn fault(what: &'static str) -> Error {
    Error::Generic {
        store: "faulty",
        source: what.into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty store")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.told(self.inner.put_opts(location, payload, options))
            .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.told(self.inner.put_multipart_opts(location, options))
            .await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let found = self.inner.get_opts(location, options).await?;
        match self.turn() {
            Turn::Works => Ok(found),
            Turn::Lies if !is_head && found.range.end > found.range.start => {
                // The connection ends early, and nobody notices.
                let (meta, range, attributes) = (
                    found.meta.clone(),
                    found.range.clone(),
                    found.attributes.clone(),
                );
                let bytes = found.bytes().await?;
                let fewer = bytes.slice(..bytes.len() / 2);
                Ok(GetResult {
                    payload: GetResultPayload::Stream(
                        futures::stream::once(async { Ok(fewer) }).boxed(),
                    ),
                    meta,
                    range,
                    attributes,
                })
            }
            Turn::Fails | Turn::Lies => Err(fault("500 internal error")),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut found = self.inner.get_ranges(location, ranges).await?;
        match self.turn() {
            Turn::Works => {}
            Turn::Fails => return Err(fault("500 internal error")),
            Turn::Lies => {
                if let Some(last) = found.last_mut() {
                    *last = last.slice(..last.len() / 2);
                }
            }
        }
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.turn() {
            Turn::Works => self.inner.delete_stream(locations),
            Turn::Fails => locations
                .and_then(|_| async { Err(fault("503 slow down")) })
                .boxed(),
            Turn::Lies => {
                let deleted = self.inner.delete_stream(locations);
                deleted
                    .and_then(|_| async { Err(fault("no answer within the time")) })
                    .boxed()
            }
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.told(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.told(self.inner.copy_opts(from, to, options)).await
    }
}
