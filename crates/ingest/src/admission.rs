//! How much may be in flight: bytes of requests that are being read, decoded or waiting for the log.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::Error;

/// What [`crate::Config::in_flight_bytes_max`] usually is.
pub const IN_FLIGHT_BYTES_MAX: usize = 128 << 20;
/// What a request counts at least, so that many small ones are bounded too.
const REQUEST_BYTES_MIN: usize = 4 << 10;

pub(crate) struct Admission {
    bytes: Arc<Semaphore>,
    bytes_max: usize,
}

/// Room for one request's bytes, given back on drop.
#[derive(Debug)]
pub struct Reservation {
    bytes: Arc<Semaphore>,
    bytes_max: usize,
    held: OwnedSemaphorePermit,
}

impl Admission {
    /// Lets so many bytes of all requests in, as they come and decompressed.
    pub fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            bytes: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
        }
    }

    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Error> {
        let held = acquire(&self.bytes, 0, bytes.max(REQUEST_BYTES_MIN), self.bytes_max)?;
        Ok(Reservation {
            bytes: Arc::clone(&self.bytes),
            bytes_max: self.bytes_max,
            held,
        })
    }

    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Bytes in flight now.
    pub fn in_flight_bytes(&self) -> usize {
        self.bytes_max - self.bytes.available_permits()
    }

    /// Refuses every further reservation.
    pub fn close(&self) {
        self.bytes.close();
    }
}

impl Reservation {
    /// Adds room for `bytes` more.
    ///
    /// # Errors
    /// `Unavailable` while too much is in flight, or once the write path is closing; `TooLarge` if this request alone is too
    /// much.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let held = self.held.num_permits();
        let more = acquire(&self.bytes, held, bytes, self.bytes_max)?;
        self.held.merge(more);
        Ok(())
    }

    /// Room that is not needed any more, while the request goes on.
    pub fn give_back(&mut self) {
        drop(self.held.split(self.held.num_permits()));
    }
}

fn acquire(
    semaphore: &Arc<Semaphore>,
    held: usize,
    bytes: usize,
    bytes_max: usize,
) -> Result<OwnedSemaphorePermit, Error> {
    if held.saturating_add(bytes) > bytes_max {
        return Err(Error::OverMemory { bytes_max });
    }
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(semaphore)
        .try_acquire_many_owned(bytes)
        .map_err(|error| match error {
            TryAcquireError::Closed => Error::Closing,
            TryAcquireError::NoPermits => Error::Busy { bytes_max },
        })
}

#[cfg(test)]
mod tests {
    use super::{Admission, IN_FLIGHT_BYTES_MAX};
    use crate::Error;

    #[test]
    fn reservations_are_refused_beyond_the_bound_and_given_back_on_drop() {
        let admission = Admission::new(IN_FLIGHT_BYTES_MAX);
        let other = admission.reserve(1).unwrap();
        let most = IN_FLIGHT_BYTES_MAX - super::REQUEST_BYTES_MIN;
        let mut all = admission.reserve(most - 1).unwrap();
        all.grow(1).unwrap();
        assert!(matches!(all.grow(1), Err(Error::Busy { .. })));
        drop(other);
        all.grow(super::REQUEST_BYTES_MIN).unwrap();
        assert!(matches!(all.grow(1), Err(Error::OverMemory { .. })));
        assert!(
            matches!(admission.reserve(0), Err(Error::Busy { .. })),
            "an empty request counts too"
        );
        drop(all);
        let held = admission.reserve(IN_FLIGHT_BYTES_MAX).unwrap();
        admission.close();
        drop(held);
        assert!(matches!(admission.reserve(1), Err(Error::Closing)));
    }
}
