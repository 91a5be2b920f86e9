//! How much each key may send: so many bytes per second on average, and twice that at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crawlspace_model::UnixNanos;

use crate::Error;

const BURST_SECONDS: f64 = 2.0;
const NANOS_PER_SECOND: f64 = 1e9;

#[derive(Debug)]
pub(crate) struct Rates {
    bytes_per_second: Option<u64>,
    /// By the key's number: there are no more than there are keys.
    allowances: Mutex<HashMap<u32, Allowance>>,
}

#[derive(Debug, Clone, Copy)]
struct Allowance {
    /// Below zero after a request that was larger than what was left: it is let in, and the next ones wait.
    bytes: f64,
    at: UnixNanos,
}

impl Rates {
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second,
            allowances: Mutex::default(),
        }
    }

    pub fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second
    }

    /// Takes a request's bytes off what its key may send.
    pub fn take(&self, key: u32, bytes: usize, now: UnixNanos) -> Result<(), Error> {
        let Some(bytes_per_second) = self.bytes_per_second else {
            return Ok(());
        };
        let rate = bytes_per_second as f64;
        let full = rate * BURST_SECONDS;
        let mut allowances = self
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let allowance = allowances.entry(key).or_insert(Allowance {
            bytes: full,
            at: now,
        });
        // The clock may have been set back meanwhile.
        let seconds = now.0.saturating_sub(allowance.at.0).max(0) as f64 / NANOS_PER_SECOND;
        allowance.bytes = (allowance.bytes + seconds * rate).min(full);
        allowance.at = now;
        if allowance.bytes <= 0.0 {
            return Err(Error::OverRate {
                key,
                bytes_per_second,
            });
        }
        allowance.bytes -= bytes as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crawlspace_model::UnixNanos;

    use super::Rates;

    #[test]
    fn a_key_may_send_its_rate_and_a_burst_whatever_others_send() {
        let rates = Rates::new(Some(100));
        let at = |seconds: i64| UnixNanos(seconds * 1_000_000_000);
        rates.take(1, 150, at(0)).unwrap();
        rates.take(1, 150, at(0)).unwrap();
        rates.take(1, 1, at(0)).unwrap_err();
        rates.take(2, 1, at(0)).unwrap();
        rates.take(1, 1, at(1)).unwrap_err();
        rates.take(1, 1, at(2)).unwrap();
        rates.take(1, 1, at(-5)).unwrap();
        rates.take(1, 0, at(3_600)).unwrap();
        rates.take(1, 200, at(3_600)).unwrap();
        rates.take(1, 1, at(3_600)).unwrap_err();
        Rates::new(None).take(1, usize::MAX, at(0)).unwrap();
    }
}
