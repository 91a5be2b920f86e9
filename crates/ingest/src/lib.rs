//! The write path: admit, decode, log, publish to memory, acknowledge; then flush, compact and sweep in the background.
//! Knows neither HTTP nor files of parts: requests come as bytes, rows go to the lake.

mod admission;
mod committer;
mod decode;
mod error;
mod health;
mod maintenance;
mod replay;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use crawlspace_disk::FileSystem;
use crawlspace_lake::{Compacted, Flushed, Lake};
use crawlspace_model::{Clock, Signal};
use crawlspace_wal::{Entry, Position, SEGMENT_BYTES_MAX, Wal};
use tokio::sync::{Semaphore, mpsc, oneshot};

use admission::Admission;
pub use admission::Reservation;
use committer::{Append, Job};
pub use crawlspace_wal::Encoding;
pub use crawlspace_wire::otlp::ContentType;
pub use error::Error;
use health::Health;
use maintenance::Maintenance;
pub use replay::Replayed;

/// No more rows are taken while those in memory hold this much: flushing has fallen behind or fails.
pub const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// Where the log is and how it is cut.
#[derive(Debug, Clone)]
pub struct Config {
    /// The log's own directory.
    pub wal_dir: PathBuf,
    pub segment_bytes_max: u64,
}

impl Config {
    #[must_use]
    pub fn new(wal_dir: PathBuf) -> Self {
        Self {
            wal_dir,
            segment_bytes_max: SEGMENT_BYTES_MAX,
        }
    }
}

pub struct Dependencies {
    pub fs: Arc<dyn FileSystem>,
    pub lake: Arc<Lake>,
    pub clock: Arc<dyn Clock>,
}

/// A request as it came in at a door.
#[derive(Debug)]
pub struct Request {
    pub signal: Signal,
    pub content_type: ContentType,
    /// The number of the key that it came with; 0 for none.
    pub key: u32,
    pub body: Bytes,
    /// How `body` is compressed.
    pub encoding: Encoding,
    /// Room for at least `body`.
    pub reservation: Reservation,
}

/// What became of a request. All records but the rejected ones are durable and visible.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records that are stored.
    pub accepted: u64,
    /// Records refused for what they are.
    pub rejected: u64,
    /// Why, and warnings about what was accepted.
    pub messages: Vec<String>,
}

/// The running write path. End it with [`Ingest::shutdown`]; dropping it is what a crash is: safe, with replay later.
pub struct Ingest {
    lake: Arc<Lake>,
    clock: Arc<dyn Clock>,
    admission: Admission,
    decoders: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    committer: Mutex<Option<thread::JoinHandle<Wal>>>,
    maintenance: Maintenance,
    health: Arc<Health>,
    replayed: Replayed,
}

impl Ingest {
    /// Opens the log, publishes what it holds beyond the lake's position, and starts the committer and maintenance.
    ///
    /// # Errors
    /// The log can't be read or written, or rows that must leave memory during replay can't be flushed.
    pub async fn open(config: Config, dependencies: Dependencies) -> Result<Arc<Self>, Error> {
        let Dependencies { fs, lake, clock } = dependencies;
        let (wal, replayed) = replay::replay(config, fs, Arc::clone(&lake)).await?;
        let health = Arc::new(Health::default());
        let publish = {
            let lake = Arc::clone(&lake);
            Box::new(move |end, batches| lake.publish(end, batches))
        };
        let (jobs, committer) = committer::start(wal, publish, Arc::clone(&health))?;
        let maintenance = Maintenance::start(&lake, &jobs, &health);
        Ok(Arc::new(Self {
            lake,
            clock,
            admission: Admission::new(),
            decoders: Arc::new(Semaphore::new(decode::threads())),
            jobs,
            committer: Mutex::new(Some(committer)),
            maintenance,
            health,
            replayed,
        }))
    }

    /// Room for `bytes` of a request, to be had before they are read.
    ///
    /// # Errors
    /// `Unavailable` while too much is in flight, or once the write path is closing.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Error> {
        self.admission.reserve(bytes)
    }

    /// Takes an OTLP request. Returns once its records are durable and visible to queries.
    ///
    /// # Errors
    /// `BadInput` and `TooLarge` for the request's own faults; `Unavailable` when nothing of it was stored for ours.
    pub async fn accept(&self, request: Request) -> Result<Accepted, Error> {
        if self.lake.memory_bytes() > MEMORY_BYTES_MAX {
            return Err(Error::MemoryFull {
                bytes_max: MEMORY_BYTES_MAX,
            });
        }
        let entry = Entry {
            received_at: self.clock.now().0,
            project: 0,
            key: request.key,
            door: decode::door_of(request.signal),
            content_type: decode::number_of(request.content_type),
            encoding: request.encoding,
            body: request.body,
        };
        let decoder = Arc::clone(&self.decoders)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closing)?;
        let mut reservation = request.reservation;
        let (entry, reservation, decoded) = tokio::task::spawn_blocking(move || {
            let _decoder = decoder;
            let decoded = decode::decode(&entry, &mut |bytes| reservation.grow(bytes))?;
            Ok::<_, Error>((entry, reservation, decoded))
        })
        .await??;
        if !decoded.batches.is_empty() {
            let (done, answer) = oneshot::channel();
            let append = Append {
                entry,
                batches: decoded.batches,
                reservation,
                done,
            };
            self.jobs
                .send(Job::Append(append))
                .await
                .map_err(|_| Error::Closing)?;
            answer.await.map_err(|_| Error::Closing)??;
        }
        Ok(Accepted {
            accepted: decoded.accepted,
            rejected: decoded.rejected,
            messages: decoded.messages,
        })
    }

    /// Writes all rows in memory as parts.
    ///
    /// # Errors
    /// The lake can't write them: they stay in memory and in the log.
    pub async fn flush(&self) -> Result<Flushed, Error> {
        self.maintenance.flush().await
    }

    /// Runs one pass of compaction.
    ///
    /// # Errors
    /// The lake can't merge: the parts stay as they were.
    pub async fn compact(&self) -> Result<Compacted, Error> {
        self.maintenance.compact().await
    }

    /// Whether requests are being stored and flushed.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn healthy(&self) -> Result<(), String> {
        if self.jobs.is_closed() {
            return Err(Error::Closing.to_string());
        }
        self.health.check()
    }

    /// What was found in the log at the start.
    #[must_use]
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    /// Stops taking requests, answers those already taken, writes all rows as parts and closes the log. A second call
    /// does nothing.
    ///
    /// # Errors
    /// The last flush failed: the rows are safe in the log.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.admission.close();
        _ = self.jobs.send(Job::Close).await;
        let committer = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(committer) = committer else {
            return Ok(());
        };
        let wal = tokio::task::spawn_blocking(move || committer.join()).await?;
        self.maintenance.stop().await;
        let flushed = self.lake.flush().await?;
        if let Ok(mut wal) = wal {
            let position = Position(flushed.wal_position);
            tokio::task::spawn_blocking(move || wal.truncate(position))
                .await?
                .map_err(Error::OpenLog)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
