//! The rows of tables that a worker asks for: read from the snapshot of its question as far ahead as it wants, and no
//! further.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crawlspace_lake::catalogue::Column;
use crawlspace_lake::{Lake, MemoryBatch, PartScan, Snapshot, TableSnapshot, scan_memory};
use crawlspace_model::Table;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _, iter};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::wire::{Encoder, Order, PIECES_AHEAD, Scanning, pieces, words};
use crate::engine::running::bytes_scanned;
use crate::error::Error;
use crate::table::{Scanned, StoredTable};

/// Scans of one question: there is one for each table that it names, as often as it does.
pub const SCANS_MAX: usize = 64;

/// See the file.
pub(super) struct Scans {
    pub lake: Arc<Lake>,
    pub snapshot: Snapshot,
    pub state: SessionState,
    pub workers: Option<Handle>,
    pub outgoing: mpsc::Sender<Vec<u8>>,
    opened: HashMap<u32, Arc<Opened>>,
    /// How many more pieces each may send.
    streams: HashMap<u32, Arc<Semaphore>>,
    /// Those that read; they end with the question.
    tasks: JoinSet<()>,
    scanned: Arc<Mutex<Scanned>>,
    /// The first thing that went wrong.
    failure: Arc<Mutex<Option<Error>>>,
}

/// A scan that can be read.
struct Opened {
    table: Table,
    columns: Vec<Arc<Column>>,
    schema: SchemaRef,
    memory: Vec<Arc<MemoryBatch>>,
    parts: Option<Arc<dyn ExecutionPlan>>,
}

impl Scans {
    pub(super) fn new(
        lake: Arc<Lake>,
        snapshot: Snapshot,
        state: SessionState,
        workers: Option<Handle>,
        outgoing: mpsc::Sender<Vec<u8>>,
    ) -> Self {
        Self {
            lake,
            snapshot,
            state,
            workers,
            outgoing,
            opened: HashMap::new(),
            streams: HashMap::new(),
            tasks: JoinSet::new(),
            scanned: Arc::default(),
            failure: Arc::default(),
        }
    }

    /// What was looked at, and bytes that were read for it.
    pub(super) fn looked_at(&self) -> (Scanned, u64) {
        let scanned = *self.scanned.lock().expect("no holder of the counts panics");
        let plans = self
            .opened
            .values()
            .filter_map(|opened| opened.parts.as_deref());
        (scanned, plans.map(bytes_scanned).sum())
    }

    /// Why rows could not be read.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure
            .lock()
            .expect("no holder of the failure panics")
            .take()
    }

    pub(super) async fn open(&mut self, scan: u32, scanning: Scanning) {
        let order = match self.scan(&scanning) {
            Ok(opened) => {
                let partitions = opened.partitions();
                self.opened.insert(scan, Arc::new(opened));
                Order::Opened { scan, partitions }
            }
            Err(error) => {
                note(&self.failure, error);
                Order::Unopened { scan }
            }
        };
        // A worker that is gone is noticed by who reads what it says.
        _ = self.outgoing.send(words(&order)).await;
    }

    fn scan(&self, scanning: &Scanning) -> Result<Opened, Error> {
        if self.opened.len() >= SCANS_MAX {
            return Err(Error::OverLimit {
                what: "the number of tables in all",
                limit: SCANS_MAX as u64,
                advice: "split the query",
            });
        }
        let table = self.snapshot.table(scanning.table);
        let columns = scanning
            .columns
            .iter()
            .map(|name| column_named(table, name));
        let columns: Vec<Arc<Column>> = columns.collect::<Result<_, _>>()?;
        let stored = StoredTable::new(&self.lake, table.clone(), columns.clone(), &self.scanned);
        let schema = PartScan::schema(table.table, &columns);
        let filters = scanning.filters.iter();
        let filters: Vec<Expr> = filters
            .filter_map(|filter| filter.expression(&schema))
            .collect();
        let (parts, memory) = stored.chosen(&filters);
        let all: Vec<usize> = (0..columns.len()).collect();
        let parts = (!parts.is_empty()).then(|| {
            let plan = stored.part_plan(&self.state, parts, &all, filters, scanning.limit);
            plan.map_err(|source| Error::Plan { source })
        });
        Ok(Opened {
            table: table.table,
            columns,
            schema,
            memory,
            parts: parts.transpose()?,
        })
    }

    pub(super) fn read(&mut self, scan: u32, partition: usize, stream: u32) {
        let Some(opened) = self.opened.get(&scan).cloned() else {
            return;
        };
        let wanted = Arc::new(Semaphore::new(PIECES_AHEAD));
        self.streams.insert(stream, Arc::clone(&wanted));
        let (outgoing, failure) = (self.outgoing.clone(), Arc::clone(&self.failure));
        let state = self.state.clone();
        let reading = async move {
            let read = opened
                .send(partition, &state, stream, (&wanted, &outgoing))
                .await;
            let is_whole = read.is_ok();
            if let Err(error) = read {
                note(&failure, error);
            }
            _ = outgoing.send(words(&Order::End { stream, is_whole })).await;
        };
        _ = match &self.workers {
            Some(workers) => self.tasks.spawn_on(reading, workers),
            None => self.tasks.spawn(reading),
        };
    }

    pub(super) fn more(&self, stream: u32) {
        if let Some(wanted) = self.streams.get(&stream) {
            wanted.add_permits(1);
        }
    }

    pub(super) fn close(&mut self, stream: u32) {
        if let Some(wanted) = self.streams.remove(&stream) {
            wanted.close();
        }
    }
}

fn note(failure: &Mutex<Option<Error>>, error: Error) {
    let mut failure = failure.lock().expect("no holder of the failure panics");
    failure.get_or_insert(error);
}

/// A column of the catalogue or of memory.
fn column_named(table: &TableSnapshot, name: &str) -> Result<Arc<Column>, Error> {
    let known = table.columns.find(name).cloned();
    let column = known.or_else(|| table.attribute(name)?.column);
    column.ok_or_else(|| Error::unknown_field(name, std::iter::empty()))
}

impl Opened {
    /// Rows in memory are the first, where there are any.
    fn partitions(&self) -> usize {
        let of_parts = self.parts.as_ref();
        let of_parts = of_parts.map_or(0, |plan| plan.output_partitioning().partition_count());
        usize::from(!self.memory.is_empty()) + of_parts
    }

    fn rows(
        self: &Arc<Self>,
        partition: usize,
        state: &SessionState,
    ) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        let of_memory = usize::from(!self.memory.is_empty());
        match (partition.checked_sub(of_memory), &self.parts) {
            (Some(partition), Some(plan)) => {
                let rows = plan.execute(partition, state.task_ctx());
                let rows = rows.map_err(|source| Error::Run { source })?;
                Ok(rows.map_err(|source| Error::Run { source }).boxed())
            }
            _ => {
                // One batch after the other: all of them at once would be there twice.
                let (opened, count) = (Arc::clone(self), self.memory.len());
                let batches = (0..count).map(move |index| opened.batch(index));
                Ok(iter(batches).boxed())
            }
        }
    }

    fn batch(&self, index: usize) -> Result<RecordBatch, Error> {
        let batches = scan_memory(self.table, &self.columns, &self.memory[index..=index])?;
        let batch = batches.into_iter().next();
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.schema))))
    }

    /// Sends a partition's rows as they are wanted, until its end or until none are wanted any more.
    async fn send(
        self: &Arc<Self>,
        partition: usize,
        state: &SessionState,
        stream: u32,
        (wanted, outgoing): (&Semaphore, &mpsc::Sender<Vec<u8>>),
    ) -> Result<(), Error> {
        if partition >= self.partitions() {
            return Ok(());
        }
        let failed = |error: arrow::error::ArrowError| Error::Lake(error.into());
        let mut rows = self.rows(partition, state)?;
        let mut encoder = Encoder::new(stream, &self.schema).map_err(failed)?;
        while let Some(batch) = rows.try_next().await? {
            for piece in pieces(&batch) {
                let Ok(permit) = wanted.acquire().await else {
                    return Ok(());
                };
                permit.forget();
                let frame = encoder.encode(&piece).map_err(failed)?;
                if outgoing.send(frame).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
