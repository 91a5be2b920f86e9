//! A clock that tests set.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use crawlspace_model::{Clock, UnixNanos};

#[derive(Debug, Default)]
pub struct FakeClock(pub AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Relaxed))
    }
}
