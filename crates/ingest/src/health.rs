//! Whether the log and the background work are well, for readiness checks; and how often and how long the work ran.

use std::any::Any;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crawlspace_wal::Wal;
use futures::FutureExt as _;

use crate::Error;

#[derive(Debug)]
pub(crate) struct Health {
    log: Trouble,
    /// A background task that is gone for the moment.
    task: Trouble,
    /// The log's files as its owner last saw them.
    pub log_bytes: AtomicU64,
    pub log_segments: AtomicU64,
    pub flushes: Work,
    pub compactions: Work,
    pub sweeps: Work,
}

/// How often a kind of work ran, and for how long in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Runs {
    pub done: u64,
    pub failed: u64,
    pub time: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            log: Trouble::default(),
            task: Trouble::default(),
            log_bytes: AtomicU64::default(),
            log_segments: AtomicU64::default(),
            flushes: Work::new("rows can't be flushed to parts", |_| true),
            compactions: Work::new("compaction has a defect", is_defect),
            sweeps: Work::new("the sweep of old objects has a defect", is_defect),
        }
    }
}

impl Health {
    pub fn log_works(&self) {
        self.log.set(None);
    }

    pub fn log_fails(&self, error: &dyn Display) {
        let trouble = format!("the write-ahead log can't be written: {error}");
        self.log.set(Some(trouble));
    }

    /// Whether the last append failed.
    pub fn is_log_failing(&self) -> bool {
        self.log.get().is_some()
    }

    pub fn log_is(&self, wal: &Wal) {
        self.log_bytes.store(wal.bytes(), Ordering::Relaxed);
        let segments = wal.segments() as u64;
        self.log_segments.store(segments, Ordering::Relaxed);
    }

    pub fn task_died(&self, trouble: &str) {
        self.task.set(Some(trouble.to_owned()));
    }

    pub fn task_lives(&self) {
        self.task.set(None);
    }

    /// What is wrong now.
    pub fn check(&self) -> Result<(), String> {
        let work = [&self.flushes, &self.compactions, &self.sweeps].map(|work| &work.trouble);
        let troubles: Vec<String> = [&self.log, &self.task]
            .into_iter()
            .chain(work)
            .filter_map(Trouble::get)
            .collect();
        if troubles.is_empty() {
            Ok(())
        } else {
            Err(troubles.join("; "))
        }
    }
}

/// What went wrong last, until it works again.
#[derive(Debug, Default)]
struct Trouble(Mutex<Option<String>>);

impl Trouble {
    fn set(&self, value: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// One kind of background work.
#[derive(Debug)]
pub(crate) struct Work {
    /// What its failure means.
    meaning: &'static str,
    /// Which failures make the store unready: without a flush memory fills up, without a compaction all goes on.
    is_serious: fn(&Error) -> bool,
    trouble: Trouble,
    done: AtomicU64,
    failed: AtomicU64,
    nanos: AtomicU64,
}

fn is_defect(error: &Error) -> bool {
    use crawlspace_lake::Error::Task;
    matches!(error, Error::Panicked(_) | Error::Lake(Task(_)))
}

impl Work {
    fn new(meaning: &'static str, is_serious: fn(&Error) -> bool) -> Self {
        Self {
            meaning,
            is_serious,
            trouble: Trouble::default(),
            done: AtomicU64::default(),
            failed: AtomicU64::default(),
            nanos: AtomicU64::default(),
        }
    }

    /// Runs one piece of it. A panic ends that piece alone, and is an error like others: whoever runs it tries again.
    pub async fn run<T, E: Into<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let result = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result.map_err(Into::into),
            Err(panic) => Err(Error::Panicked(message_of(panic.as_ref()))),
        };
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        let (counter, trouble) = match &result {
            Ok(_) => (&self.done, None),
            Err(error) => {
                let trouble = format!("{}: {error}", self.meaning);
                let is_serious = (self.is_serious)(error);
                (&self.failed, is_serious.then_some(trouble))
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.trouble.set(trouble);
        result
    }

    /// Whether the last piece of it failed seriously.
    pub fn is_in_trouble(&self) -> bool {
        self.trouble.get().is_some()
    }

    pub fn runs(&self) -> Runs {
        Runs {
            done: self.done.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Health, Work};
    use crate::Error;

    async fn run(work: &Work, result: Result<(), Error>) -> Result<(), Error> {
        work.run(async { result }).await
    }

    #[tokio::test]
    async fn a_defect_is_told_until_it_works_again_and_a_failure_if_it_is_serious() {
        let health = Health::default();
        run(&health.compactions, Err(Error::Closing))
            .await
            .unwrap_err();
        assert_eq!(health.check(), Ok(()), "parts stay as they are");
        let defect = async { panic!("half a merge") };
        let error = health
            .compactions
            .run::<(), Error>(defect)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Panicked(_)));
        assert!(health.check().unwrap_err().contains("half a merge"));
        run(&health.flushes, Err(Error::Closing)).await.unwrap_err();
        run(&health.compactions, Ok(())).await.unwrap();
        let trouble = health.check().unwrap_err();
        assert!(trouble.contains("flushed") && !trouble.contains("merge"));
        run(&health.flushes, Ok(())).await.unwrap();
        assert_eq!(health.check(), Ok(()));
        let runs = health.compactions.runs();
        assert_eq!((runs.done, runs.failed), (1, 2));
    }
}
