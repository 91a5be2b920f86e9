//! How much may be in flight: bytes of requests that are being read, decoded or waiting for the log. Half of it is for
//! bodies as they come and half for what they become, so that many that wait leave room for those that are decoded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::Error;

/// What [`crate::Config::in_flight_bytes_max`] usually is: enough for one request of the largest size.
pub const IN_FLIGHT_BYTES_MAX: usize = 128 << 20;
/// What a request counts at least, so that many small ones are bounded too.
const REQUEST_BYTES_MIN: usize = 4 << 10;

pub(crate) struct Admission {
    bodies: Share,
    unpacked: Share,
}

/// Room for one request's bytes, given back on drop.
#[derive(Debug)]
pub struct Reservation {
    body: Held,
    unpacked: Held,
}

impl Admission {
    /// Lets so many bytes of all requests in.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            // With what each counts at least, and what gRPC puts around a message.
            bodies: Share::new(bytes_max / 2 + 2 * REQUEST_BYTES_MIN),
            unpacked: Share::new(bytes_max / 2),
        }
    }

    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Error> {
        let mut reservation = Reservation {
            body: self.bodies.held()?,
            unpacked: self.unpacked.held()?,
        };
        reservation.grow(bytes.max(REQUEST_BYTES_MIN))?;
        Ok(reservation)
    }

    pub fn bytes_max(&self) -> usize {
        self.bodies.bytes_max + self.unpacked.bytes_max
    }

    /// Bytes in flight now.
    pub fn in_flight_bytes(&self) -> usize {
        let free = [&self.bodies, &self.unpacked].map(|share| share.bytes.available_permits());
        self.bytes_max() - free.iter().sum::<usize>()
    }

    /// Refuses every further reservation.
    pub fn close(&self) {
        self.bodies.bytes.close();
        self.unpacked.bytes.close();
    }
}

impl Reservation {
    /// Adds room for `bytes` more of the body as it comes.
    ///
    /// # Errors
    /// `Unavailable` while too much is in flight, or once the write path is closing; `TooLarge` if this request alone is too
    /// much.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.body.grow(bytes)
    }

    /// … of what it becomes when it is decompressed.
    ///
    /// # Errors
    /// As for the body.
    pub(crate) fn unpack(&mut self, bytes: usize) -> Result<(), Error> {
        self.unpacked.grow(bytes)
    }

    /// What it became is not held any more.
    pub(crate) fn pack(&mut self) {
        self.unpacked.give_back();
    }

    /// Nothing of it is held any more, while the request goes on.
    pub fn give_back(&mut self) {
        self.body.give_back();
        self.pack();
    }
}

#[derive(Debug, Clone)]
struct Share {
    bytes: Arc<Semaphore>,
    bytes_max: usize,
}

#[derive(Debug)]
struct Held {
    of: Share,
    bytes: OwnedSemaphorePermit,
}

impl Share {
    fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            bytes: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
        }
    }

    fn held(&self) -> Result<Held, Error> {
        let bytes = self.acquire(0, 0)?;
        let of = self.clone();
        Ok(Held { of, bytes })
    }

    fn acquire(&self, held: usize, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let bytes_max = self.bytes_max;
        if held.saturating_add(bytes) > bytes_max {
            return Err(Error::OverMemory { bytes_max });
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.bytes)
            .try_acquire_many_owned(bytes)
            .map_err(|error| match error {
                TryAcquireError::Closed => Error::Closing,
                TryAcquireError::NoPermits => Error::Busy { bytes_max },
            })
    }
}

impl Held {
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let more = self.of.acquire(self.bytes.num_permits(), bytes)?;
        self.bytes.merge(more);
        Ok(())
    }

    fn give_back(&mut self) {
        drop(self.bytes.split(self.bytes.num_permits()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, IN_FLIGHT_BYTES_MAX};
    use crate::Error;

    #[test]
    fn reservations_are_refused_beyond_the_bound_and_given_back_on_drop() {
        let admission = Admission::new(IN_FLIGHT_BYTES_MAX);
        let other = admission.reserve(1).unwrap();
        let most = IN_FLIGHT_BYTES_MAX / 2;
        let mut all = admission.reserve(most).unwrap();
        all.grow(super::REQUEST_BYTES_MIN).unwrap();
        assert!(matches!(all.grow(1), Err(Error::Busy { .. })));
        drop(other);
        all.grow(super::REQUEST_BYTES_MIN).unwrap();
        assert!(matches!(all.grow(1), Err(Error::OverMemory { .. })));
        assert!(
            matches!(admission.reserve(0), Err(Error::Busy { .. })),
            "an empty request counts too"
        );
        drop(all);
        let mut held = admission.reserve(most).unwrap();
        held.unpack(most).unwrap();
        assert!(matches!(held.unpack(1), Err(Error::OverMemory { .. })));
        held.pack();
        held.unpack(most).unwrap();
        held.give_back();
        assert_eq!(admission.in_flight_bytes(), 0);
        admission.close();
        drop(held);
        assert!(matches!(admission.reserve(1), Err(Error::Closing)));
    }
}
