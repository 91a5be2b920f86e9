//! How many queries run at one time: the others wait for their turn, so many of them, for so long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// Turns to run.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    running_max: usize,
    taken: AtomicU64,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_time_max: Duration,
}

/// One query may run as long as this is held.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Turns {
    pub(crate) fn new(running_max: usize, waiting_max: usize, wait_time_max: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(running_max)),
            running_max,
            taken: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            waiting_max,
            wait_time_max,
        }
    }

    pub(crate) fn running(&self) -> usize {
        self.running_max - self.free.available_permits()
    }

    /// How many turns there were.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A turn, at once or after a wait. Those who wait are served in their order.
    pub(crate) async fn take(&self) -> Result<Turn, Error> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(self.turn(permit));
        }
        let busy = || Error::Busy {
            running: self.running_max,
            waiting: self.waiting(),
        };
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.waiting_max {
            return Err(busy());
        }
        let permit = Arc::clone(&self.free).acquire_owned();
        match tokio::time::timeout(self.wait_time_max, permit).await {
            Ok(Ok(permit)) => Ok(self.turn(permit)),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    fn turn(&self, permit: OwnedSemaphorePermit) -> Turn {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Turn(permit)
    }
}

/// Counts one who waits, until dropped: also when whoever asked goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Turns;
    use crate::error::Error;

    #[tokio::test]
    async fn those_beyond_the_limits_are_refused_and_a_turn_comes_back() {
        let turns = Turns::new(1, 1, Duration::from_millis(5));
        let first = turns.take().await.unwrap();
        assert_eq!(turns.running(), 1);
        // One may wait, and gives up after its time; a second one is refused at once.
        let (one, two) = tokio::join!(turns.take(), turns.take());
        for refused in [one, two] {
            assert!(matches!(refused, Err(Error::Busy { .. })));
        }
        assert_eq!(turns.waiting(), 0);
        drop(first);
        assert_eq!(turns.running(), 0);
        let second = turns.take().await.unwrap();
        let (third, ()) = tokio::join!(turns.take(), async { drop(second) });
        assert!(third.is_ok(), "who waits gets the turn that is given back");
        assert_eq!(turns.taken(), 3);
    }
}
