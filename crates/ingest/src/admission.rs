//! How much may be in flight: bytes of requests that are being read, decoded or waiting for the log.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::Error;

/// Bytes of all requests in flight, as they came and decompressed.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 << 20;
/// What a request counts at least, so that many small ones are bounded too.
const REQUEST_BYTES_MIN: usize = 4 << 10;

pub(crate) struct Admission {
    bytes: Arc<Semaphore>,
}

/// Room for one request's bytes, given back on drop.
#[derive(Debug)]
pub struct Reservation {
    bytes: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
}

impl Admission {
    pub fn new() -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)),
        }
    }

    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Error> {
        let held = acquire(&self.bytes, bytes.max(REQUEST_BYTES_MIN))?;
        Ok(Reservation {
            bytes: Arc::clone(&self.bytes),
            held,
        })
    }

    /// Bytes in flight now.
    pub fn in_flight_bytes(&self) -> usize {
        IN_FLIGHT_BYTES_MAX - self.bytes.available_permits()
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
    /// `Unavailable` while too much is in flight, or once the write path is closing.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.held.merge(acquire(&self.bytes, bytes)?);
        Ok(())
    }
}

fn acquire(semaphore: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(semaphore)
        .try_acquire_many_owned(bytes)
        .map_err(|error| match error {
            TryAcquireError::Closed => Error::Closing,
            TryAcquireError::NoPermits => Error::Busy {
                bytes_max: IN_FLIGHT_BYTES_MAX,
            },
        })
}

#[cfg(test)]
mod tests {
    use super::{Admission, IN_FLIGHT_BYTES_MAX};
    use crate::Error;

    #[test]
    fn reservations_are_refused_beyond_the_bound_and_given_back_on_drop() {
        let admission = Admission::new();
        let mut all = admission.reserve(IN_FLIGHT_BYTES_MAX - 1).unwrap();
        all.grow(1).unwrap();
        assert!(matches!(all.grow(1), Err(Error::Busy { .. })));
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
