//! The server as a worker sees it: who has the rows. Tables are read by asking it, piece by piece, no faster than they
//! are used.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use tokio::sync::{mpsc, oneshot};

use super::filter::Filter;
use super::wire::{Decoder, Order, PIECES_AHEAD, Report, Scanning, words};

/// See the file.
#[derive(Debug)]
pub(crate) struct Parent {
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: Mutex<Waiting>,
    /// Of the next scan or stream; that of answers is before the first.
    next: AtomicU32,
}

/// Who waits for what.
#[derive(Debug, Default)]
struct Waiting {
    scans: HashMap<u32, oneshot::Sender<Option<usize>>>,
    streams: HashMap<u32, mpsc::Sender<Arrived>>,
}

/// What comes of a stream.
#[derive(Debug)]
enum Arrived {
    Rows(Buffer),
    End { is_whole: bool },
}

impl Parent {
    pub(super) fn new(outgoing: mpsc::Sender<Vec<u8>>) -> Self {
        Self {
            outgoing,
            waiting: Mutex::default(),
            next: AtomicU32::new(1),
        }
    }

    pub(super) async fn send(&self, frame: Vec<u8>) -> Result<()> {
        let sent = self.outgoing.send(frame).await;
        sent.map_err(|_| exec_datafusion_err!("the server is gone"))
    }

    async fn tell(&self, report: &Report) -> Result<()> {
        self.send(words(report)).await
    }

    /// Hands an order to who waits for it. Those that nobody waits for any more are nothing.
    pub(super) fn arrived(&self, order: Order) {
        match order {
            Order::Ask(_) => {}
            Order::Opened { scan, partitions } => self.opened(scan, Some(partitions)),
            Order::Unopened { scan } => self.opened(scan, None),
            Order::End { stream, is_whole } => self.pass(stream, Arrived::End { is_whole }),
        }
    }

    pub(super) fn rows_arrived(&self, stream: u32, rows: Buffer) {
        self.pass(stream, Arrived::Rows(rows));
    }

    /// What a question has asked for is for nobody any more.
    pub(super) fn forget(&self) {
        *self.waiting() = Waiting::default();
    }

    fn opened(&self, scan: u32, partitions: Option<usize>) {
        if let Some(waiting) = self.waiting().scans.remove(&scan) {
            _ = waiting.send(partitions);
        }
    }

    fn pass(&self, stream: u32, arrived: Arrived) {
        let waiting = self.waiting().streams.get(&stream).cloned();
        // There is room for what was asked for and the end.
        _ = waiting.map(|waiting| waiting.try_send(arrived));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the lists panics")
    }

    fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks for a scan: its number, and how many streams it has.
    pub(super) async fn open(&self, scanning: Scanning) -> Result<(u32, usize)> {
        let (scan, (sender, receiver)) = (self.number(), oneshot::channel());
        self.waiting().scans.insert(scan, sender);
        self.tell(&Report::Open { scan, scanning }).await?;
        let partitions = receiver.await.ok().flatten().ok_or_else(unread)?;
        Ok((scan, partitions))
    }

    /// Begins to read one of its streams. Columns that are `narrowing` may be asked for less of meanwhile.
    pub(super) async fn read(
        self: &Arc<Self>,
        scan: u32,
        partition: usize,
        narrowing: Vec<String>,
    ) -> Result<Reading> {
        let (stream, (sender, arriving)) = (self.number(), mpsc::channel(PIECES_AHEAD + 1));
        self.waiting().streams.insert(stream, sender);
        let reading = Reading {
            parent: Arc::clone(self),
            stream,
            arriving,
            decoder: Decoder::default(),
            narrowest: None,
        };
        let read = Report::Read {
            scan,
            partition,
            stream,
            narrowing,
        };
        self.tell(&read).await?;
        Ok(reading)
    }
}

/// The server knows why, and says so in the place of this.
fn unread() -> DataFusionError {
    exec_datafusion_err!("the table can't be read")
}

/// A stream that is being read. Dropped, it is read no further.
pub(super) struct Reading {
    parent: Arc<Parent>,
    stream: u32,
    arriving: mpsc::Receiver<Arrived>,
    decoder: Decoder,
    narrowest: Option<Filter>,
}

impl Reading {
    /// The next rows. From now on only those that fulfil a condition are needed.
    pub(super) async fn next(
        &mut self,
        narrower: impl Fn() -> Option<Filter>,
    ) -> Result<Option<RecordBatch>> {
        loop {
            match self.arriving.recv().await {
                Some(Arrived::Rows(frame)) => {
                    let narrower = narrower().filter(|new| self.narrowest.as_ref() != Some(new));
                    if narrower.is_some() {
                        self.narrowest.clone_from(&narrower);
                    }
                    let stream = self.stream;
                    self.parent.tell(&Report::More { stream, narrower }).await?;
                    if let Some(rows) = self.decoder.decode(frame)? {
                        return Ok(Some(rows));
                    }
                }
                Some(Arrived::End { is_whole: true }) => return Ok(None),
                Some(Arrived::End { is_whole: false }) | None => return Err(unread()),
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let stream = self.stream;
        self.parent.waiting().streams.remove(&stream);
        // Where there is no room, it ends with the question.
        _ = self
            .parent
            .outgoing
            .try_send(words(&Report::Close { stream }));
    }
}
