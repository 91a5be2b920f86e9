//! Room for what waits to be written as parts: its rows in memory, its requests in the log, and the disk for both.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crawlspace_lake::Lake;

use crate::health::Health;
use crate::{Error, Headroom};

#[derive(Clone)]
pub(crate) struct Room {
    pub lake: Arc<Lake>,
    pub health: Arc<Health>,
    pub headroom: Arc<Headroom>,
    pub memory_bytes_max: u64,
    pub log_bytes_max: u64,
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

    /// Time to flush, whatever the rows' number and age, for a bound is to be met in trouble only.
    pub fn is_half_taken(&self) -> bool {
        self.lake.memory_bytes() > self.memory_bytes_max / 2
            || self.log_bytes() > self.log_bytes_max / 2
    }

    fn log_bytes(&self) -> u64 {
        self.health.log_bytes.load(Ordering::Relaxed)
    }
}
