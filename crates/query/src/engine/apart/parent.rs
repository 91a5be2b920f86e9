//! The server as a worker sees it: who has the rows. Tables are read by asking it, piece by piece, no faster than they
//! are used.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::PartScan;
use crawlspace_lake::catalogue::Column;
use crawlspace_model::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream::try_unfold;
use tokio::sync::{mpsc, oneshot};

use super::filter::Filter;
use super::wire::{Decoder, Order, PIECES_AHEAD, Report, Scanning, words};
use crate::table::by_bytes;

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
    async fn open(&self, scanning: Scanning) -> Result<(u32, usize)> {
        let (scan, (sender, receiver)) = (self.number(), oneshot::channel());
        self.waiting().scans.insert(scan, sender);
        self.tell(&Report::Open { scan, scanning }).await?;
        let partitions = receiver.await.ok().flatten().ok_or_else(unread)?;
        Ok((scan, partitions))
    }

    async fn read(self: &Arc<Self>, scan: u32, partition: usize) -> Result<Reading> {
        let (stream, (sender, arriving)) = (self.number(), mpsc::channel(PIECES_AHEAD + 1));
        self.waiting().streams.insert(stream, sender);
        let reading = Reading {
            parent: Arc::clone(self),
            stream,
            arriving,
            decoder: Decoder::default(),
        };
        self.tell(&Report::Read {
            scan,
            partition,
            stream,
        })
        .await?;
        Ok(reading)
    }
}

/// The server knows why, and says so in the place of this.
fn unread() -> DataFusionError {
    exec_datafusion_err!("the table can't be read")
}

/// A stream that is being read. Dropped, it is read no further.
struct Reading {
    parent: Arc<Parent>,
    stream: u32,
    arriving: mpsc::Receiver<Arrived>,
    decoder: Decoder,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match self.arriving.recv().await {
                Some(Arrived::Rows(frame)) => {
                    let stream = self.stream;
                    self.parent.tell(&Report::More { stream }).await?;
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

/// The stored columns of a table that the server has.
#[derive(Debug)]
pub(crate) struct AskedTable {
    pub parent: Arc<Parent>,
    pub table: Table,
    pub columns: Vec<Arc<Column>>,
    pub schema: SchemaRef,
}

#[async_trait]
impl TableProvider for AskedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let columns = projection.unwrap_or(&all).iter();
        let columns: Vec<Arc<Column>> = columns
            .map(|index| Arc::clone(&self.columns[*index]))
            .collect();
        let filters: Vec<Expr> = filters
            .iter()
            .cloned()
            .map(by_bytes)
            .collect::<Result<_>>()?;
        let scanning = Scanning {
            table: self.table,
            columns: columns
                .iter()
                .map(|column| column.stored_name.clone())
                .collect(),
            filters: filters.iter().filter_map(Filter::of).collect(),
            limit,
        };
        let schema = PartScan::schema(self.table, &columns);
        let (scan, partitions) = self.parent.open(scanning).await?;
        let streams = (0..partitions).map(|partition| {
            Arc::new(AskedStream {
                parent: Arc::clone(&self.parent),
                scan,
                partition,
                schema: Arc::clone(&schema),
            }) as _
        });
        let plan = StreamingTableExec::try_new(
            Arc::clone(&schema),
            streams.collect(),
            None,
            [],
            false,
            None,
        )?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct AskedStream {
    parent: Arc<Parent>,
    scan: u32,
    partition: usize,
    schema: SchemaRef,
}

impl PartitionStream for AskedStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (parent, scan, partition) = (Arc::clone(&self.parent), self.scan, self.partition);
        let rows = try_unfold(None, move |reading: Option<Reading>| {
            let parent = Arc::clone(&parent);
            async move {
                let mut reading = match reading {
                    Some(reading) => reading,
                    None => parent.read(scan, partition).await?,
                };
                let rows = reading.next().await?;
                Ok(rows.map(|rows| (rows, Some(reading))))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        ))
    }
}
