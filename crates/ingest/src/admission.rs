//! How much may be in flight: bytes of requests that are being read, decoded or waiting for the log. Half of it is for
//! bodies as they come and half for what they become, so that many that wait leave room for those that are decoded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::Error;

/// What [`crate::Config::in_flight_bytes_max`] usually is: enough for one request of the largest size.
pub const IN_FLIGHT_BYTES_MAX: usize = 128 << 20;
/// What a request counts at least, so that many small ones are bounded too.
const REQUEST_BYTES_MIN: usize = 4 << 10;
/// Up to this part of what there is, bodies are decompressed side by side.
const SMALL_PART: usize = 4;

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

    /// … of what it becomes when it is decompressed. For threads that may wait: of those that become large, one at a time
    /// goes on, as soon as the others are done. Several would take from each other what each needs to get to its end.
    ///
    /// # Errors
    /// As for the body.
    pub(crate) fn unpack(&mut self, bytes: usize) -> Result<(), Error> {
        self.unpacked.grow_alone(bytes)
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
    /// For the one that has more than its [`SMALL_PART`].
    large: Arc<Semaphore>,
}

#[derive(Debug)]
struct Held {
    of: Share,
    bytes: OwnedSemaphorePermit,
    large: Option<OwnedSemaphorePermit>,
}

impl Share {
    fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            bytes: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
            large: Arc::new(Semaphore::new(1)),
        }
    }

    fn held(&self) -> Result<Held, Error> {
        Ok(Held {
            of: self.clone(),
            bytes: self.take(&self.bytes, 0)?,
            large: None,
        })
    }

    /// Whether so many bytes could ever be had at once.
    fn check(&self, bytes: usize) -> Result<(), Error> {
        let bytes_max = self.bytes_max;
        match bytes > bytes_max {
            true => Err(Error::OverMemory { bytes_max }),
            false => Ok(()),
        }
    }

    fn take(&self, from: &Arc<Semaphore>, count: usize) -> Result<OwnedSemaphorePermit, Error> {
        let bytes_max = self.bytes_max;
        Arc::clone(from)
            .try_acquire_many_owned(permits(count))
            .map_err(|error| match error {
                TryAcquireError::Closed => Error::Closing,
                TryAcquireError::NoPermits => Error::Busy { bytes_max },
            })
    }
}

/// There are never more bytes than that.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Held {
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.of
            .check(self.bytes.num_permits().saturating_add(bytes))?;
        self.bytes.merge(self.of.take(&self.of.bytes, bytes)?);
        Ok(())
    }

    fn grow_alone(&mut self, bytes: usize) -> Result<(), Error> {
        let needed = self.bytes.num_permits().saturating_add(bytes);
        self.of.check(needed)?;
        if needed <= self.of.bytes_max / SMALL_PART {
            return self.grow(bytes);
        }
        if self.large.is_none() {
            self.large = Some(self.of.take(&self.of.large, 1)?);
        }
        // Those that have what is missing are small, or on their way into the log.
        let more = Arc::clone(&self.of.bytes).acquire_many_owned(permits(bytes));
        let more = futures::executor::block_on(more).map_err(|_| Error::Closing)?;
        self.bytes.merge(more);
        Ok(())
    }

    fn give_back(&mut self) {
        drop(self.bytes.split(self.bytes.num_permits()));
        self.large = None;
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

    #[test]
    fn of_those_that_become_large_one_goes_on_when_the_small_ones_are_done() {
        let admission = Admission::new(IN_FLIGHT_BYTES_MAX);
        let most = IN_FLIGHT_BYTES_MAX / 2;
        let (mut large, mut small) = (admission.reserve(1).unwrap(), admission.reserve(1).unwrap());
        large.unpack(most / 2).unwrap();
        small.unpack(most / super::SMALL_PART).unwrap();
        assert!(matches!(small.unpack(1), Err(Error::Busy { .. })));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| large.unpack(most / 2));
            drop(small);
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(admission.unpacked.bytes.available_permits(), 0);
        large.pack();
        let mut next = admission.reserve(1).unwrap();
        next.unpack(most).unwrap();
    }
}
