//! The rows of tables that a worker asks for: read from the snapshot of its question as far ahead as it wants, and no
//! further.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{Lake, MemoryBatch, PartScan, Snapshot, TableSnapshot, scan_memory};
use crawlspace_model::Table;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::{
    Column as PlanColumn, DynamicFilterPhysicalExpr, lit,
};
use datafusion::physical_expr::utils::{collect_columns, conjunction_opt};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _, empty, iter, try_unfold};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::task::JoinSet;

use super::filter::Filter;
use super::grouped::{AskedGrouping, AskedNewest};
use super::wire::{Encoder, Order, PIECES_AHEAD, Scanning, pieces, words};
use crate::engine::grouping::{NEWEST_MAX, grouped_plan, newest_plan};
use crate::engine::running::bytes_scanned;
use crate::error::Error;
use crate::table::{Scanned, StoredTable, balanced};

/// Scans of one question: there is one for each table that it names, as often as it does.
pub const SCANS_MAX: usize = 64;
/// Of rows without columns.
const COUNTED_ROWS: usize = 65_536;

/// See the file.
pub(super) struct Scans {
    pub lake: Arc<Lake>,
    pub snapshot: Snapshot,
    pub state: SessionState,
    pub workers: Option<Handle>,
    pub outgoing: mpsc::Sender<Vec<u8>>,
    /// Streams that read at a time: as many as there are cores for. What the others have read takes memory.
    reading: Arc<Semaphore>,
    opened: HashMap<u32, Arc<Opened>>,
    streams: HashMap<u32, Stream>,
    /// Of what was read, for its bytes.
    plans: Vec<Arc<dyn ExecutionPlan>>,
    /// Those that read; they end with the question.
    tasks: JoinSet<()>,
    scanned: Arc<Mutex<Scanned>>,
    /// The first thing that went wrong.
    failure: Arc<Mutex<Option<Error>>>,
}

/// A scan that can be read.
struct Opened {
    table: Table,
    stored: StoredTable,
    columns: Vec<Arc<Column>>,
    schema: SchemaRef,
    memory: Vec<Arc<MemoryBatch>>,
    /// Parts that are read one after the other.
    groups: Vec<Vec<Arc<Part>>>,
    filters: Vec<Expr>,
    limit: Option<usize>,
    /// Finds groups or the newest of the rows by codes, where these are wanted.
    by_codes: Option<Arc<dyn ExecutionPlan>>,
}

/// A part of a scan that is being read.
struct Stream {
    opened: Arc<Opened>,
    /// How many more pieces it may send.
    wanted: Arc<Semaphore>,
    /// What its rows have to fulfil, as that is found out.
    narrowing: Arc<DynamicFilterPhysicalExpr>,
}

type Rows = BoxStream<'static, Result<RecordBatch, Error>>;

impl Scans {
    pub(super) fn new(
        lake: Arc<Lake>,
        snapshot: Snapshot,
        state: SessionState,
        workers: Option<Handle>,
        outgoing: mpsc::Sender<Vec<u8>>,
    ) -> Self {
        Self {
            reading: Arc::new(Semaphore::new(state.config().target_partitions())),
            lake,
            snapshot,
            state,
            workers,
            outgoing,
            opened: HashMap::new(),
            streams: HashMap::new(),
            plans: Vec::new(),
            tasks: JoinSet::new(),
            scanned: Arc::default(),
            failure: Arc::default(),
        }
    }

    /// What was looked at, and bytes that were read for it.
    pub(super) fn looked_at(&self) -> (Scanned, u64) {
        let scanned = *self.scanned.lock().expect("no holder of the counts panics");
        let plans = self.plans.iter().map(|plan| bytes_scanned(plan.as_ref()));
        (scanned, plans.sum())
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
        if let Some(asked) = &scanning.grouping {
            return self.grouping(asked, scanning, stored, columns);
        }
        let schema = PartScan::schema(table.table, &columns);
        let filters = scanning.filters.iter();
        let filters: Vec<Expr> = filters
            .filter_map(|filter| filter.expression(&schema))
            .collect();
        let (parts, memory) = stored.chosen(&filters);
        let groups = match parts.is_empty() {
            true => Vec::new(),
            false => balanced(parts, self.state.config().target_partitions()),
        };
        Ok(Opened {
            table: table.table,
            stored,
            columns,
            schema,
            memory,
            groups,
            filters,
            limit: scanning.limit,
            by_codes: None,
        })
    }

    fn grouping(
        &self,
        asked: &AskedGrouping,
        scanning: &Scanning,
        stored: StoredTable,
        columns: Vec<Arc<Column>>,
    ) -> Result<Opened, Error> {
        let grouping = asked.understood(scanning.table, &columns, &scanning.filters);
        let grouping = grouping.ok_or(Error::Broken)?;
        let by_codes = match &scanning.newest {
            None => grouped_plan(&stored, &grouping, &self.state),
            Some(AskedNewest { count, .. }) if *count > NEWEST_MAX => return Err(Error::Broken),
            Some(AskedNewest { columns, count }) => {
                let table = self.snapshot.table(scanning.table);
                let columns = columns.iter().map(|name| column_named(table, name));
                let columns = columns.collect::<Result<_, _>>()?;
                newest_plan(&stored, columns, &grouping, *count, &self.state)
            }
        };
        let by_codes = Arc::new(by_codes.map_err(|source| Error::Plan { source })?);
        Ok(Opened {
            table: scanning.table,
            stored,
            columns,
            schema: by_codes.schema(),
            memory: Vec::new(),
            groups: Vec::new(),
            filters: Vec::new(),
            limit: None,
            by_codes: Some(by_codes),
        })
    }

    /// Begins to send a stream.
    pub(super) fn read(&mut self, scan: u32, partition: usize, stream: u32, narrowing: &[String]) {
        let Some(opened) = self.opened.get(&scan).cloned() else {
            return;
        };
        let wanted = Arc::new(Semaphore::new(PIECES_AHEAD));
        let narrowing = Arc::new(opened.narrowing(narrowing));
        let rows = match (opened.of_memory(partition), &opened.by_codes) {
            (Some(rows), _) => Ok(rows),
            (None, Some(by_codes)) => self.run(Arc::clone(by_codes)),
            (None, None) => self.of_parts(&opened, partition, &narrowing),
        };
        let schema = Arc::clone(&opened.schema);
        let streaming = Stream {
            opened,
            wanted: Arc::clone(&wanted),
            narrowing,
        };
        self.streams.insert(stream, streaming);
        let failure = Arc::clone(&self.failure);
        let way = Way {
            wanted,
            reading: Arc::clone(&self.reading),
            outgoing: self.outgoing.clone(),
        };
        let reading = async move {
            let sent = match rows {
                Ok(rows) => way.send(rows, schema, stream).await,
                Err(error) => Err(error),
            };
            let is_whole = sent.is_ok();
            if let Err(error) = sent {
                note(&failure, error);
            }
            let end = words(&Order::End { stream, is_whole });
            _ = way.outgoing.send(end).await;
        };
        _ = match &self.workers {
            Some(workers) => self.tasks.spawn_on(reading, workers),
            None => self.tasks.spawn(reading),
        };
    }

    fn of_parts(
        &mut self,
        opened: &Opened,
        partition: usize,
        narrowing: &Arc<DynamicFilterPhysicalExpr>,
    ) -> Result<Rows, Error> {
        let partition = partition - usize::from(!opened.memory.is_empty());
        let Some(group) = opened.groups.get(partition) else {
            return Ok(empty().boxed());
        };
        let failed = |source| Error::Plan { source };
        let fixed = opened.stored.predicate(&self.state, opened.filters.clone());
        let fixed = fixed.map_err(failed)?;
        let narrows = !narrowing.children().is_empty();
        let narrowing = narrows.then(|| Arc::clone(narrowing) as Arc<dyn PhysicalExpr>);
        let all: Vec<usize> = (0..opened.columns.len()).collect();
        let predicate = conjunction_opt(fixed.into_iter().chain(narrowing));
        let groups = vec![group.clone()];
        let plan = opened
            .stored
            .part_plan(groups, &all, predicate, opened.limit);
        self.run(plan.map_err(failed)?)
    }

    fn run(&mut self, plan: Arc<dyn ExecutionPlan>) -> Result<Rows, Error> {
        self.plans.push(Arc::clone(&plan));
        let failed = |source| Error::Run { source };
        // Plans begin tasks of their own as they are started.
        let _here = self.workers.as_ref().map(Handle::enter);
        let rows = plan.execute(0, self.state.task_ctx()).map_err(failed)?;
        Ok(rows.map_err(failed).boxed())
    }

    /// One more piece may be sent, and less may be needed.
    pub(super) fn more(&self, stream: u32, narrower: Option<&Filter>) {
        let Some(stream) = self.streams.get(&stream) else {
            return;
        };
        let opened = &stream.opened;
        let narrower = narrower.and_then(|filter| filter.expression(&opened.schema));
        let narrower = narrower.and_then(|filter| {
            let predicate = opened.stored.predicate(&self.state, vec![filter]);
            predicate.ok().flatten()
        });
        // It may name columns that were not said to be narrowing; then it stays as it was.
        let known = stream.narrowing.children();
        if let Some(narrower) = narrower
            && collect_columns(&narrower).iter().all(|column| {
                known
                    .iter()
                    .any(|known| known.downcast_ref::<PlanColumn>() == Some(column))
            })
        {
            _ = stream.narrowing.update(narrower);
        }
        stream.wanted.add_permits(1);
    }

    pub(super) fn close(&mut self, stream: u32) {
        if let Some(stream) = self.streams.remove(&stream) {
            stream.wanted.close();
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
        match self.by_codes {
            Some(_) => 1,
            None => usize::from(!self.memory.is_empty()) + self.groups.len(),
        }
    }

    /// A condition on these columns that all rows fulfil, so far.
    fn narrowing(&self, columns: &[String]) -> DynamicFilterPhysicalExpr {
        let columns = columns.iter();
        let columns =
            columns.filter_map(|name| PlanColumn::new_with_schema(name, &self.schema).ok());
        let columns = columns.map(|column| Arc::new(column) as Arc<dyn PhysicalExpr>);
        DynamicFilterPhysicalExpr::new(columns.collect(), lit(true))
    }

    /// One batch after the other: all of them at once would be there twice.
    fn of_memory(self: &Arc<Self>, partition: usize) -> Option<Rows> {
        let (opened, count) = (Arc::clone(self), self.memory.len());
        let batches = (0..count).map(move |index| opened.batch(index));
        (partition == 0 && count > 0).then(|| iter(batches).boxed())
    }

    fn batch(&self, index: usize) -> Result<RecordBatch, Error> {
        let batches = scan_memory(self.table, &self.columns, &self.memory[index..=index])?;
        let batch = batches.into_iter().next();
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.schema))))
    }
}

/// Rows without columns are only a number: batches become one until they are so many.
fn counted(rows: Rows, schema: SchemaRef) -> Rows {
    let counted = try_unfold((rows, schema), |(mut rows, schema)| async move {
        let mut count = 0;
        while count < COUNTED_ROWS
            && let Some(batch) = rows.try_next().await?
        {
            count += batch.num_rows();
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options);
        let batch = batch.map_err(crawlspace_lake::Error::from)?;
        Ok((count > 0).then_some((batch, (rows, schema))))
    });
    counted.boxed()
}

/// How the rows of a stream get to the worker.
struct Way {
    wanted: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    outgoing: mpsc::Sender<Vec<u8>>,
}

impl Way {
    /// Waits until one more piece is wanted, and then until it may be read. `None` if none are wanted any more.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.wanted.acquire().await.ok()?.forget();
        self.reading.acquire().await.ok()
    }

    /// Sends rows as they are wanted, until their end or until none are wanted any more.
    async fn send(&self, rows: Rows, schema: SchemaRef, stream: u32) -> Result<(), Error> {
        let failed = |error: arrow::error::ArrowError| Error::Lake(error.into());
        let mut encoder = Encoder::new(stream, &schema).map_err(failed)?;
        let mut rows = match schema.fields().is_empty() {
            true => counted(rows, schema),
            false => rows,
        };
        let mut place = self.place().await;
        while place.is_some()
            && let Some(batch) = rows.try_next().await?
        {
            for piece in pieces(&batch) {
                let frame = encoder.encode(&piece).map_err(failed)?;
                if place.is_none() || self.outgoing.send(frame).await.is_err() {
                    return Ok(());
                }
                drop(place);
                place = self.place().await;
            }
        }
        Ok(())
    }
}
