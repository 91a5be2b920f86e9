//! Room for what waits to be written as parts: its rows in memory, its requests in the log, and the disk for both.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crawlspace_lake::Lake;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::health::Health;
use crate::{Error, Headroom};

/// With so many rows in memory requests wait for a flush, as they do where three quarters of what may be taken are.
const SLOW_BYTES: u64 = 64 << 20;
/// No request waits longer than that: clients give up after some time, and there is room left.
const WAIT_MAX: Duration = Duration::from_secs(4);

#[derive(Clone)]
pub(crate) struct Room {
    pub lake: Arc<Lake>,
    pub health: Arc<Health>,
    pub headroom: Arc<Headroom>,
    pub memory_bytes_max: u64,
    pub log_bytes_max: u64,
    /// Told of each flush, also one that failed.
    pub flushed: Arc<Notify>,
}

impl Room {
    /// Whether more may be taken. What is in flight, which is bounded by itself, may come on top.
    pub fn check(&self) -> Result<(), Error> {
        self.headroom.check()?;
        let bytes_max = self.memory_bytes_max;
        if self.lake.memory_bytes() > bytes_max {
            return Err(Error::MemoryFull { bytes_max });
        }
        let bytes_max = self.log_bytes_max;
        if self.log_bytes() > bytes_max {
            return Err(Error::LogFull { bytes_max });
        }
        Ok(())
    }

    /// Waits for a flush while much waits to be written, unless there is trouble with that. So who sends faster than parts
    /// are written is slowed down, and leaves the processor to them.
    pub async fn wait(&self) {
        let until = Instant::now() + WAIT_MAX;
        loop {
            let mut flushed = std::pin::pin!(self.flushed.notified());
            // Before looking, so that no flush is missed.
            flushed.as_mut().enable();
            let is_needed = self.lake.memory_bytes() > self.slow_bytes();
            if !is_needed || self.health.flushes.is_in_trouble() {
                return;
            }
            if timeout_at(until, flushed).await.is_err() {
                return;
            }
        }
    }

    pub fn slow_bytes(&self) -> u64 {
        SLOW_BYTES.min(self.memory_bytes_max / 4 * 3)
    }

    /// Time to flush, whatever the rows' number and age, for a bound is to be met in trouble only.
    pub fn is_half_taken(&self) -> bool {
        self.lake.memory_bytes() > self.slow_bytes() / 2
            || self.log_bytes() > self.log_bytes_max / 2
    }

    fn log_bytes(&self) -> u64 {
        self.health.log_bytes.load(Ordering::Relaxed)
    }
}
