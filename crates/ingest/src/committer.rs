//! The one thread that owns the log: it takes what is queued as a group, appends it with one sync, publishes its rows in
//! log order, and only then answers the waiting requests.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use arrow::record_batch::RecordBatch;
use crawlspace_disk::fault::{self, Defect, Moment};
use crawlspace_lake::Posting;
use crawlspace_model::Table;
use crawlspace_wal::{Entry, Position, Wal};
use tokio::sync::{mpsc, oneshot};

use crate::error::sentence;
use crate::health::Health;
use crate::ledger::Claim;
use crate::{Error, Reservation};

/// Jobs that wait for the thread; senders wait beyond that.
const QUEUE_JOBS_MAX: usize = 1_024;
/// A group is closed once its bodies reach this.
const GROUP_BYTES_MAX: usize = 4 << 20;

pub(crate) type Batches = Vec<(Table, RecordBatch)>;
/// Makes a record's rows visible and enters it into the books; the number is the position after the record.
pub(crate) type Publish = Box<dyn FnMut(u64, Batches, Posting) + Send>;

pub(crate) enum Job {
    Append(Append),
    /// Records below this position are in parts.
    Truncate(Position),
    /// Finish what is queued, then end.
    Close,
}

pub(crate) struct Append {
    pub entry: Entry,
    pub batches: Batches,
    pub posting: Posting,
    /// Held until the answer is given.
    pub reservation: Reservation,
    /// Held until a repeated request would be recognised.
    pub claim: Option<Claim>,
    pub done: oneshot::Sender<Result<(), Error>>,
}

/// Starts the thread. It ends, and gives the log back, after [`Job::Close`] or when all senders are gone.
pub(crate) fn start(
    wal: Wal,
    publish: Publish,
    health: Arc<Health>,
) -> Result<(mpsc::Sender<Job>, JoinHandle<Wal>), Error> {
    health.log_is(&wal);
    let (sender, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
    let thread = thread::Builder::new()
        .name("committer".to_owned())
        .spawn(move || run(wal, jobs, publish, &health))
        .map_err(|source: io::Error| Error::Thread { source })?;
    Ok((sender, thread))
}

fn run(mut wal: Wal, mut jobs: mpsc::Receiver<Job>, mut publish: Publish, health: &Health) -> Wal {
    while let Some(first) = jobs.blocking_recv() {
        let (mut group, mut group_bytes, mut truncate) = (Vec::new(), 0, None);
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Append(append) => {
                    group_bytes += append.entry.body.len();
                    group.push(append);
                }
                Job::Truncate(position) => truncate = Some(position),
                Job::Close => jobs.close(),
            }
            if group_bytes < GROUP_BYTES_MAX {
                next = jobs.try_recv().ok();
            }
        }
        if !group.is_empty() {
            commit(&mut wal, group, &mut publish, health);
        }
        if let Some(position) = truncate
            && let Err(error) = wal.truncate(position)
        {
            let error = sentence(&error);
            tracing::warn!(error, %position, "the log keeps segments that are no longer needed");
        }
        if truncate.is_some() {
            health.log_is(&wal);
        }
    }
    wal
}

fn commit(wal: &mut Wal, group: Vec<Append>, publish: &mut Publish, health: &Health) {
    let mut entries = Vec::with_capacity(group.len());
    let mut waiting = Vec::with_capacity(group.len());
    for Append {
        entry,
        batches,
        posting,
        reservation,
        claim,
        done,
    } in group
    {
        entries.push(entry);
        waiting.push((batches, posting, done, (reservation, claim)));
    }
    let appended = if fault::has(Defect::AckUnlogged) {
        Ok(wal.next_position())
    } else {
        wal.append(&entries)
    };
    health.log_is(wal);
    match appended {
        Ok(first) => {
            health.log_works();
            for (end, (batches, posting, done, _held)) in (first.0 + 1..).zip(waiting) {
                publish(end, batches, posting);
                fault::crash_at(Moment::RowsPublished);
                _ = done.send(Ok(()));
            }
        }
        Err(error) => {
            let sentence = sentence(&error);
            tracing::error!(
                error = sentence,
                requests = waiting.len(),
                "requests are refused: the log can't be written"
            );
            health.log_fails(&sentence);
            let error = Arc::new(error);
            for (_, _, done, _held) in waiting {
                _ = done.send(Err(Error::Append(Arc::clone(&error))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
