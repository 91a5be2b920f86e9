//! The newest rows under conditions that are about single columns: found by codes, and only then read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{ABSENT, MemoryBatch, PartScan, Values, scan_memory};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::Count;
use futures::stream::{BoxStream, iter, once};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use super::Grouping;
use super::block::{Block, Blocks, Of, of_lake};
use super::fold::{Prepared, chosen};
use super::plan::{CodesPlan, Finding, joined};
use super::table::Origin;
use crate::engine::apart::newest_of_server;
use crate::table::StoredTable;

/// The rows of a table that may be among its newest.
#[derive(Debug)]
pub(crate) struct NewestTable {
    /// The columns that it offers.
    columns: Vec<Arc<Column>>,
    schema: SchemaRef,
    /// Its key is the time.
    wanted: Grouping,
    count: usize,
    origin: Origin,
}

impl NewestTable {
    pub(super) fn new(
        origin: Origin,
        columns: Vec<Arc<Column>>,
        wanted: Grouping,
        count: usize,
    ) -> Self {
        Self {
            schema: PartScan::schema(wanted.table, &columns),
            columns,
            wanted,
            count,
            origin,
        }
    }
}

#[async_trait]
impl TableProvider for NewestTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let columns = projection.unwrap_or(&all).iter();
        let columns = columns
            .map(|index| Arc::clone(&self.columns[*index]))
            .collect();
        let (wanted, count) = (&self.wanted, self.count);
        Ok(match &self.origin {
            Origin::Lake(stored) => Arc::new(newest_plan(stored, columns, wanted, count, state)?),
            Origin::Server(_, parent) => newest_of_server(parent, columns, wanted, count).await?,
        })
    }
}

/// Finds the newest rows, and those of the same time as the last of them.
#[derive(Debug)]
struct NewestRows {
    stored: StoredTable,
    /// What is given of the rows.
    columns: Vec<Arc<Column>>,
    parts: Vec<Arc<Part>>,
    memory: Vec<Arc<MemoryBatch>>,
    prepared: Arc<Prepared>,
    count: usize,
}

/// Rows that may be among the newest, as far as blocks were looked at.
#[derive(Default)]
struct Newest {
    /// Times, with the number of the block and the place in it.
    rows: Vec<(i64, usize, u32)>,
    blocks: Vec<Of>,
    /// What is older is not among them.
    least: Option<i64>,
}

/// The plan that finds the newest rows: so many, with these columns. What it will look at is noted as such.
pub(crate) fn newest_plan(
    stored: &StoredTable,
    columns: Vec<Arc<Column>>,
    wanted: &Grouping,
    count: usize,
    state: &dyn Session,
) -> Result<CodesPlan> {
    let (mut parts, memory) = stored.chosen(&wanted.filters());
    // The more is known of new rows, the less has to be read of old ones.
    parts.sort_by_key(|part| std::cmp::Reverse(part.meta.time_max));
    let schema = PartScan::schema(wanted.table, &columns);
    let newest = NewestRows {
        stored: stored.clone(),
        columns,
        parts,
        memory,
        prepared: Arc::new(Prepared::new(wanted, state)?),
        count,
    };
    Ok(CodesPlan::new("NewestPlan", newest, schema))
}

impl Newest {
    /// Looks at a block. So many are wanted.
    fn add(&mut self, mut block: Block, prepared: &Prepared, count: usize) -> Result<()> {
        let chosen = chosen(prepared, &mut block)?;
        if chosen.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let time = block.column(prepared.keys[0].column)?;
        let Values::Ints(times) = time.values.as_ref() else {
            return Ok(());
        };
        let least = self.least.unwrap_or(i64::MIN);
        let number = self.blocks.len();
        let mut add = |row: u32| {
            let code = time.codes[row as usize];
            if code != ABSENT && times[code as usize - 1] >= least {
                self.rows.push((times[code as usize - 1], number, row));
            }
        };
        match &chosen {
            Some(rows) => rows.iter().copied().for_each(&mut add),
            None => (0..block.rows as u32).for_each(&mut add),
        }
        self.blocks.push(block.of);
        self.keep(count);
        Ok(())
    }

    /// Forgets what is older than so many.
    fn keep(&mut self, count: usize) {
        let Some(last) = count.checked_sub(1) else {
            self.rows.clear();
            return;
        };
        if self.rows.len() > last {
            let newest_first = |(time, ..): &(i64, usize, u32)| std::cmp::Reverse(*time);
            let (_, (least, ..), _) = self.rows.select_nth_unstable_by_key(last, newest_first);
            let least = *least;
            self.rows.retain(|(time, ..)| *time >= least);
            self.least = Some(least);
        }
    }

    fn merge(&mut self, other: Self, count: usize) {
        let before = self.blocks.len();
        let rows = other.rows.into_iter();
        self.rows
            .extend(rows.map(|(time, block, row)| (time, before + block, row)));
        self.blocks.extend(other.blocks);
        self.keep(count);
    }

    /// The rows of each block that has any, in their order.
    fn by_block(self) -> Vec<(Of, Vec<u32>)> {
        let mut by_block: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (_, block, row) in self.rows {
            by_block.entry(block).or_default().push(row);
        }
        let blocks = self.blocks.into_iter().enumerate();
        let found = blocks.filter_map(|(number, of)| {
            let mut rows = by_block.remove(&number)?;
            rows.sort_unstable();
            Some((of, rows))
        });
        found.collect()
    }
}

impl NewestRows {
    async fn found(self: Arc<Self>, tasks: usize, bytes: Count) -> Result<Newest> {
        let (parts, memory) = (self.parts.clone(), self.memory.clone());
        let schema = PartScan::schema(self.prepared.table, &self.columns);
        let blocks = Blocks::new(self.stored.lake(), &self.prepared, parts, memory, bytes);
        let blocks = Arc::new(blocks.with_rows_of(schema));
        let mut finding = JoinSet::new();
        for _ in 0..tasks {
            let (blocks, finding_of) = (Arc::clone(&blocks), Arc::clone(&self));
            finding.spawn(async move {
                let mut newest = Newest::default();
                while let Some(block) = blocks.next().await? {
                    newest.least = newest.least.max(blocks.least());
                    newest.add(block, &finding_of.prepared, finding_of.count)?;
                    blocks.pass_over(newest.least);
                    // Whoever asked may be gone.
                    tokio::task::yield_now().await;
                }
                Ok(newest)
            });
        }
        let mut all = Newest::default();
        while let Some(found) = finding.join_next().await {
            all.merge(joined(found)?, self.count);
        }
        Ok(all)
    }

    /// The rows of a block, which are in their order.
    async fn rows_of(&self, of: Of, rows: Vec<u32>) -> Result<RecordBatch> {
        match of {
            Of::Group(groups, index) => {
                let places = rows.iter().map(|row| *row as usize..*row as usize + 1);
                let places: Vec<_> = places.collect();
                groups.rows(index, &places).await.map_err(of_lake)
            }
            Of::Memory(batch) => {
                let table = self.prepared.table;
                let batches = scan_memory(table, &self.columns, &[batch]).map_err(of_lake)?;
                let rows = UInt32Array::from(rows);
                Ok(take_record_batch(&batches[0], &rows)?)
            }
        }
    }
}

impl Finding for NewestRows {
    fn rows(
        self: Arc<Self>,
        context: &TaskContext,
        bytes: Count,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let tasks = context.session_config().target_partitions();
        let found = Arc::clone(&self).found(tasks, bytes);
        // One block after the other: there may be many rows of one time.
        let rows = once(found).map_ok(move |found| {
            let newest = Arc::clone(&self);
            iter(found.by_block().into_iter().map(Ok)).and_then(move |(of, rows)| {
                let newest = Arc::clone(&newest);
                async move { newest.rows_of(of, rows).await }
            })
        });
        rows.try_flatten().boxed()
    }
}
