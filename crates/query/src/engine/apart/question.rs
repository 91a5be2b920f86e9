//! A question that a worker answers: what it says becomes an answer, what it needs is read for it, and its time and memory
//! are watched.

use std::pin::pin;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use super::process::{End, Lease};
use super::scans::Scans;
use super::wire::{ANSWER, Decoder, Frame, Report};
use crate::engine::answer::Footer;
use crate::engine::running::{BATCHES_AHEAD_MAX, Piece, READER_TIME_MAX, Running};
use crate::engine::turns::Turn;
use crate::error::Error;

/// After its time a question ends by itself within this, or not by itself. And once it has ended, so does all that it has
/// begun.
const GRACE: Duration = Duration::from_millis(250);
/// Between two looks at a worker's memory.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Question {
    lease: Lease,
    scans: Scans,
    decoder: Decoder,
    watch: Interval,
    started: Instant,
    time_limit: Duration,
    /// For the worker; the reader's own time does not count.
    left: Duration,
    keep: usize,
    footer: Footer,
    /// Whether the worker has said its last about it.
    is_over: bool,
    #[expect(dead_code, reason = "held, not used")]
    turn: Turn,
}

/// What a worker has said.
enum Said {
    /// Rows, or first of all only what columns they have.
    Rows(Option<RecordBatch>),
    Done {
        found: Option<u64>,
    },
}

impl Question {
    pub(super) fn new(
        lease: Lease,
        scans: Scans,
        (keep, time_limit): (usize, Duration),
        footer: Footer,
        turn: Turn,
    ) -> Self {
        let mut watch = interval(WATCH_PAUSE);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            lease,
            scans,
            decoder: Decoder::default(),
            watch,
            started: Instant::now(),
            time_limit,
            left: time_limit + GRACE,
            keep,
            footer,
            is_over: false,
            turn,
        }
    }

    /// Waits for the first piece, and goes on in a task.
    pub(super) async fn start(mut self) -> Result<Running, Error> {
        let begun = self.begun().await;
        let (schema, found) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.rest().await;
                return Err(self.explained(error).await);
            }
        };
        let (sender, pieces) = mpsc::channel(BATCHES_AHEAD_MAX);
        let mut task = JoinSet::new();
        task.spawn(self.run(found, sender));
        Running::begun(schema, pieces, task).await
    }

    /// The columns of the answer, as soon as they are known.
    async fn begun(&mut self) -> Result<(SchemaRef, Option<RecordBatch>), Error> {
        loop {
            match self.next().await? {
                Said::Rows(rows) => {
                    if let Some(schema) = self.decoder.schema() {
                        return Ok((schema, rows));
                    }
                }
                Said::Done { .. } => return Err(self.lease.death().await),
            }
        }
    }

    async fn run(mut self, first: Option<RecordBatch>, sender: mpsc::Sender<Result<Piece, Error>>) {
        let found = self.find(first, &sender).await;
        self.rest().await;
        let last = match found {
            Ok(Some(footer)) => Ok(Piece::End(footer)),
            Ok(None) => return,
            Err(error) => Err(self.explained(error).await),
        };
        // The worker and the turn are free before the reader knows.
        drop(self);
        _ = timeout(READER_TIME_MAX, sender.send(last)).await;
    }

    /// Keeps the worker for other questions, if nothing of this one goes on in it for long after its end.
    async fn rest(&mut self) {
        if !self.is_over {
            return;
        }
        self.lease.end = End::Time;
        let mut late = pin!(sleep(GRACE));
        loop {
            let frame = tokio::select! {
                frame = self.lease.worker().frames.recv() => frame,
                () = &mut late => return,
                _ = self.watch.tick() => match self.check_memory() {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            match frame {
                Some(Ok(Frame::Words(Report::Ready))) => return self.lease.give_back(),
                // What it asks for, nobody waits for.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    /// What keeps the parts from being read may have kept the question from it, and says it better.
    async fn explained(&mut self, error: Error) -> Error {
        let checked = match error.is_unreadable() {
            true => self.scans.lake.check_parts().await,
            false => Ok(0),
        };
        checked.err().map_or(error, Error::Lake)
    }

    /// Takes and sends the rows; `None` if the reader has gone away.
    async fn find(
        &mut self,
        first: Option<RecordBatch>,
        sender: &mpsc::Sender<Result<Piece, Error>>,
    ) -> Result<Option<Box<Footer>>, Error> {
        let mut given = 0;
        let mut next = first.map(|rows| Said::Rows(Some(rows)));
        loop {
            let said = match next.take() {
                Some(said) => said,
                None => self.next().await?,
            };
            let rows = match said {
                Said::Rows(Some(rows)) => rows,
                Said::Rows(None) => continue,
                Said::Done { found } => return Ok(Some(Box::new(self.footer(given, found)))),
            };
            let room = rows.num_rows().min(self.keep - given);
            given += room;
            if room > 0 {
                let Some(place) = self.place(sender).await? else {
                    return Ok(None);
                };
                place.send(Ok(Piece::Rows(rows.slice(0, room))));
            }
        }
    }

    /// Waits until the reader can take another piece; `None` if it has gone away. The worker is watched meanwhile, and
    /// its time goes on as long as it has nothing to say.
    async fn place<'s>(
        &mut self,
        sender: &'s mpsc::Sender<Result<Piece, Error>>,
    ) -> Result<Option<mpsc::Permit<'s, Result<Piece, Error>>>, Error> {
        let mut reader_time = pin!(sleep(READER_TIME_MAX));
        loop {
            let began = Instant::now();
            tokio::select! {
                place = sender.reserve() => return Ok(place.ok()),
                () = &mut reader_time => return Ok(None),
                _ = self.watch.tick() => self.check_memory()?,
            }
            if self.lease.worker().frames.is_empty() {
                self.left = self.left.saturating_sub(began.elapsed());
            }
            if self.left.is_zero() {
                return Err(self.over_time());
            }
        }
    }

    fn check_memory(&mut self) -> Result<(), Error> {
        if self.lease.is_within_memory() {
            return Ok(());
        }
        self.lease.end = End::Memory;
        let limit = self.lease.memory_bytes_max();
        Err(Error::WorkerMemory { limit })
    }

    fn over_time(&mut self) -> Error {
        self.lease.end = End::Time;
        Error::TimeLimit {
            limit: self.time_limit,
        }
    }

    /// The next of what is about the answer. Meanwhile reads what the worker needs, and watches it.
    async fn next(&mut self) -> Result<Said, Error> {
        loop {
            let began = Instant::now();
            let frame = tokio::select! {
                frame = self.lease.worker().frames.recv() => Some(frame),
                () = sleep(self.left) => None,
                _ = self.watch.tick() => {
                    self.check_memory()?;
                    self.left = self.left.saturating_sub(began.elapsed());
                    continue;
                }
            };
            self.left = self.left.saturating_sub(began.elapsed());
            let report = match frame {
                None => return Err(self.over_time()),
                Some(Some(Ok(Frame::Words(report)))) => report,
                Some(Some(Ok(Frame::Rows(ANSWER, rows)))) => return self.rows(rows),
                Some(_) => return Err(self.lease.death().await),
            };
            match report {
                Report::Open { scan, scanning } => self.scans.open(scan, scanning).await,
                Report::Read {
                    scan,
                    partition,
                    stream,
                    narrowing,
                } => self.scans.read(scan, partition, stream, &narrowing),
                Report::More { stream, narrower } => self.scans.more(stream, narrower.as_ref()),
                Report::Close { stream } => self.scans.close(stream),
                Report::Done { found } => {
                    self.is_over = true;
                    return Ok(Said::Done { found });
                }
                Report::Failed(failure) => {
                    self.is_over = true;
                    let told = failure.into_error(self.time_limit);
                    return Err(self.scans.failure().unwrap_or(told));
                }
                Report::Ready => {}
            }
        }
    }

    fn rows(&mut self, frame: Buffer) -> Result<Said, Error> {
        let rows = self.decoder.decode(frame);
        Ok(Said::Rows(rows.map_err(crawlspace_lake::Error::from)?))
    }

    fn footer(&self, given: usize, found: Option<u64>) -> Footer {
        let (scanned, bytes_scanned) = self.scans.looked_at();
        Footer {
            rows: given as u64,
            rows_found: found,
            cut: found.is_none_or(|found| found > given as u64),
            elapsed_ms: self.started.elapsed().as_secs_f64() * 1e3,
            rows_scanned: scanned.rows,
            rows_in_memory: scanned.rows_in_memory,
            parts_scanned: scanned.parts,
            bytes_scanned,
            ..self.footer.clone()
        }
    }
}
