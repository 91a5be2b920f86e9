//! Whether the log and the flushes work, for readiness checks.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// The latest failure of each, until it works again.
#[derive(Debug, Default)]
pub(crate) struct Health {
    log: Mutex<Option<String>>,
    flush: Mutex<Option<String>>,
}

impl Health {
    pub fn log_works(&self) {
        set(&self.log, None);
    }

    pub fn log_fails(&self, error: &dyn Display) {
        set(
            &self.log,
            Some(format!("the write-ahead log can't be written: {error}")),
        );
    }

    pub fn flush_works(&self) {
        set(&self.flush, None);
    }

    pub fn flush_fails(&self, error: &dyn Display) {
        set(
            &self.flush,
            Some(format!("rows can't be flushed to parts: {error}")),
        );
    }

    pub fn check(&self) -> Result<(), String> {
        let troubles: Vec<String> = [&self.log, &self.flush]
            .into_iter()
            .filter_map(|state| state.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect();
        if troubles.is_empty() {
            Ok(())
        } else {
            Err(troubles.join("; "))
        }
    }
}

fn set(state: &Mutex<Option<String>>, value: Option<String>) {
    *state.lock().unwrap_or_else(PoisonError::into_inner) = value;
}
