//! The write path: admit, decode, log, publish to memory, acknowledge; then flush, compact and sweep in the background.
//! Knows neither HTTP nor files of parts: requests come as bytes, rows go to the lake.

mod accept;
mod admission;
mod committer;
mod decode;
mod error;
mod headroom;
mod health;
mod ledger;
mod maintenance;
mod rate;
mod replay;
mod room;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crawlspace_disk::FileSystem;
use crawlspace_disk::fault::{self, Defect};
use crawlspace_lake::{Compacted, Flushed, Lake, Posting};
use crawlspace_model::Clock;
use crawlspace_model::account::Reason;
use crawlspace_wal::{Position, SEGMENT_BYTES_MAX, Wal};
use crawlspace_wire::Shortened;
use tokio::sync::{Semaphore, mpsc};

pub use accept::{Accepted, Request};
use admission::Admission;
pub use admission::{IN_FLIGHT_BYTES_MAX, Reservation};
use committer::{Job, Publish};
pub use crawlspace_wal::Encoding;
pub use crawlspace_wire::otlp::ContentType;
pub use error::Error;
pub use headroom::{BALLAST_BYTES, DiskState, FREE_BYTES_MIN, Headroom};
use health::Health;
pub use health::Runs;
pub use ledger::{Door, Origin, REFUSALS_MAX, Refused, Statement};
use ledger::{Ledger, Repeats};
use maintenance::Maintenance;
use rate::Rates;
pub use replay::Replayed;
use room::Room;

/// What [`Config::memory_bytes_max`] usually is.
pub const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// What the log may hold at least. A flush leaves it the segment that is being written: that one alone must be far from
/// its bound.
const LOG_BYTES_MIN: u64 = 4 * SEGMENT_BYTES_MAX;

/// Where the log is and how it is cut.
#[derive(Debug, Clone)]
pub struct Config {
    /// The log's own directory.
    pub wal_dir: PathBuf,
    pub segment_bytes_max: u64,
    /// No more requests are taken while rows in memory hold this much: flushing has fallen behind or fails.
    pub memory_bytes_max: u64,
    /// … or while the log does. Mostly it holds less than their rows do; not so requests of many words and few rows, and
    /// repeated ones.
    pub log_bytes_max: u64,
    /// Whether a request that repeats another within ten minutes is recognised, and stored once.
    pub deduplicate: bool,
    /// Of all requests that are being read, decoded or logged, as they came and decompressed.
    pub in_flight_bytes_max: usize,
    /// What one key may send, on average; no limit without.
    pub key_bytes_per_second: Option<u64>,
}

impl Config {
    #[must_use]
    pub fn new(wal_dir: PathBuf) -> Self {
        Self {
            wal_dir,
            segment_bytes_max: SEGMENT_BYTES_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            log_bytes_max: MEMORY_BYTES_MAX,
            deduplicate: true,
            in_flight_bytes_max: IN_FLIGHT_BYTES_MAX,
            key_bytes_per_second: None,
        }
    }

    /// Bounds what waits to be written as parts: its rows in memory, and its requests in the log.
    #[must_use]
    pub fn waiting_bytes_max(self, bytes: u64) -> Self {
        Self {
            memory_bytes_max: bytes,
            log_bytes_max: bytes.max(LOG_BYTES_MIN),
            ..self
        }
    }
}

/// Beyond these, requests are told to come again, or wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub in_flight_bytes_max: usize,
    pub memory_bytes_max: u64,
    /// Of rows in memory; beyond it requests wait for a flush.
    pub slow_bytes: u64,
    pub log_bytes_max: u64,
    pub key_bytes_per_second: Option<u64>,
}

pub struct Dependencies {
    pub fs: Arc<dyn FileSystem>,
    pub lake: Arc<Lake>,
    pub clock: Arc<dyn Clock>,
    /// Of the disk where the log is.
    pub headroom: Arc<Headroom>,
}

/// How the write path fares. Runs are counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Of requests that are being read, decoded or logged.
    pub in_flight_bytes: usize,
    pub log_bytes: u64,
    pub log_segments: u64,
    pub disk: DiskState,
    pub flushes: Runs,
    pub compactions: Runs,
    pub sweeps: Runs,
    pub shortened: Shortened,
}

/// The running write path. End it with [`Ingest::shutdown`]; dropping it is what a crash is: safe, with replay later.
pub struct Ingest {
    lake: Arc<Lake>,
    clock: Arc<dyn Clock>,
    room: Room,
    admission: Admission,
    decoders: Arc<Semaphore>,
    rates: Rates,
    ledger: Ledger,
    /// None if repeated requests are taken for new ones.
    repeats: Option<Arc<Repeats>>,
    jobs: mpsc::Sender<Job>,
    committer: Mutex<Option<thread::JoinHandle<Wal>>>,
    maintenance: Maintenance,
    health: Arc<Health>,
    replayed: Replayed,
    shortened: ShortenedSum,
}

/// What was kept in part since the start.
#[derive(Debug, Default)]
struct ShortenedSum {
    texts: AtomicU64,
    attribute_lists: AtomicU64,
}

impl ShortenedSum {
    fn add(&self, more: Shortened) {
        self.texts.fetch_add(more.texts, Ordering::Relaxed);
        let lists = more.attribute_lists;
        self.attribute_lists.fetch_add(lists, Ordering::Relaxed);
    }

    fn get(&self) -> Shortened {
        Shortened {
            texts: self.texts.load(Ordering::Relaxed),
            attribute_lists: self.attribute_lists.load(Ordering::Relaxed),
        }
    }
}

impl Ingest {
    /// Opens the log, publishes what it holds beyond the lake's position, and starts the committer and maintenance.
    ///
    /// # Errors
    /// The log can't be read or written.
    pub async fn open(config: Config, dependencies: Dependencies) -> Result<Arc<Self>, Error> {
        let Dependencies {
            fs,
            lake,
            clock,
            headroom,
        } = dependencies;
        let health = Arc::new(Health::default());
        let room = Room {
            lake: Arc::clone(&lake),
            health: Arc::clone(&health),
            headroom,
            memory_bytes_max: config.memory_bytes_max,
            log_bytes_max: config.log_bytes_max,
            flushed: Arc::default(),
        };
        let in_flight_bytes_max = config.in_flight_bytes_max;
        let rates = Rates::new(config.key_bytes_per_second);
        let repeats = config.deduplicate.then(|| Arc::new(Repeats::default()));
        let remember = {
            let repeats = repeats.clone();
            move |seen| {
                if let Some(repeats) = &repeats {
                    repeats.remember(seen);
                }
            }
        };
        let seen = lake.take_seen();
        if !fault::has(Defect::RepeatsForgotten) {
            seen.into_iter().for_each(&remember);
        }
        let publish: Publish = {
            let lake = Arc::clone(&lake);
            Box::new(move |end, batches, mut posting| {
                posting.seen.iter().copied().for_each(&remember);
                if fault::has(Defect::BooksForgotten) {
                    posting = Posting::default();
                }
                lake.publish_with(end, batches, posting);
            })
        };
        let (wal, replayed, publish) =
            replay::replay(config, fs, Arc::clone(&lake), repeats.clone(), publish).await?;
        let (jobs, committer) = committer::start(wal, publish, Arc::clone(&health))?;
        let maintenance = Maintenance::start(&room, &jobs);
        Ok(Arc::new(Self {
            ledger: Ledger::new(Arc::clone(&lake), Arc::clone(&clock)),
            rates,
            repeats,
            lake,
            clock,
            room,
            admission: Admission::new(in_flight_bytes_max),
            decoders: Arc::new(Semaphore::new(decode::threads())),
            jobs,
            committer: Mutex::new(Some(committer)),
            maintenance,
            health,
            replayed,
            shortened: ShortenedSum::default(),
        }))
    }

    /// Room for `bytes` of a request, to be had before they are read.
    ///
    /// # Errors
    /// `Unavailable` while too much is in flight, or once the write path is closing.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Error> {
        self.admission.reserve(bytes)
    }

    /// Enters into the ledger a request that a door refused before [`accept`](Self::accept), which does so by itself.
    /// `message` is what the client is told: it must not hold secrets.
    pub fn refuse(&self, origin: &Origin, reason: Reason, message: &str) {
        self.ledger.refuse(origin, reason, message);
    }

    /// What became of everything that came.
    #[must_use]
    pub fn ledger(&self) -> Statement {
        self.ledger.statement()
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
            return Err(
                "requests are not stored: crawlspace is closing, or its committer has ended"
                    .to_owned(),
            );
        }
        if !self.maintenance.is_running() {
            return Err("flushing or compaction has ended: restart crawlspace".to_owned());
        }
        self.room
            .headroom
            .check()
            .map_err(|error| error.to_string())?;
        self.health.check()
    }

    /// How the write path fares, in numbers.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let health = &self.health;
        Statistics {
            in_flight_bytes: self.admission.in_flight_bytes(),
            log_bytes: health.log_bytes.load(Ordering::Relaxed),
            log_segments: health.log_segments.load(Ordering::Relaxed),
            disk: self.room.headroom.state(),
            flushes: health.flushes.runs(),
            compactions: health.compactions.runs(),
            sweeps: health.sweeps.runs(),
            shortened: self.shortened.get(),
        }
    }

    /// What is taken at most.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            in_flight_bytes_max: self.admission.bytes_max(),
            memory_bytes_max: self.room.memory_bytes_max,
            slow_bytes: self.room.slow_bytes(),
            log_bytes_max: self.room.log_bytes_max,
            key_bytes_per_second: self.rates.bytes_per_second(),
        }
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
