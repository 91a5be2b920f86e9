//! What takes the place of a table in plans where its rows are only grouped: a table of the groups.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::catalogue::Part;
use crawlspace_lake::{Lake, MemoryBatch};
use crawlspace_model::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PlanColumn;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::Count;
use datafusion::physical_plan::projection::ProjectionExec;
use futures::stream::{BoxStream, iter, once};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use super::Grouping;
use super::block::Blocks;
use super::fold::{Fold, Prepared};
use super::plan::{CodesPlan, Finding, joined};
use crate::engine::apart::{Parent, can_be_asked, plan_of_server};
use crate::table::StoredTable;

/// Where the rows are.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Lake(StoredTable),
    /// In the process that has them.
    Server(Table, Arc<Parent>),
}

impl Origin {
    pub fn table(&self) -> Table {
        match self {
            Self::Lake(stored) => stored.table(),
            Self::Server(table, _) => *table,
        }
    }

    /// Whether it can find groups, or with the times as key the newest rows.
    pub fn can_find(&self, grouping: &Grouping) -> bool {
        match self {
            Self::Lake(_) => true,
            Self::Server(..) => can_be_asked(grouping),
        }
    }
}

/// The groups of a table's rows.
#[derive(Debug)]
pub(crate) struct GroupedTable {
    grouping: Grouping,
    schema: SchemaRef,
    origin: Origin,
}

impl GroupedTable {
    pub(super) fn new(grouping: Grouping, origin: Origin) -> Result<Self> {
        let schema = grouping.schema()?;
        Ok(Self {
            grouping,
            schema,
            origin,
        })
    }
}

#[async_trait]
impl TableProvider for GroupedTable {
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
        let plan: Arc<dyn ExecutionPlan> = match &self.origin {
            Origin::Lake(stored) => Arc::new(grouped_plan(stored, &self.grouping, state)?),
            Origin::Server(_, parent) => plan_of_server(parent, &self.grouping).await?,
        };
        let Some(projection) = projection else {
            return Ok(plan);
        };
        let columns = projection.iter().map(|index| {
            let name = self.schema.field(*index).name();
            let column: Arc<dyn PhysicalExpr> = Arc::new(PlanColumn::new(name, *index));
            (column, name.clone())
        });
        Ok(Arc::new(ProjectionExec::try_new(
            columns.collect::<Vec<_>>(),
            plan,
        )?))
    }
}

/// Finds groups.
#[derive(Debug)]
struct Grouped {
    lake: Arc<Lake>,
    parts: Vec<Arc<Part>>,
    memory: Vec<Arc<MemoryBatch>>,
    prepared: Arc<Prepared>,
}

/// The plan that finds groups. What it will look at is noted as such.
pub(crate) fn grouped_plan(
    stored: &StoredTable,
    grouping: &Grouping,
    state: &dyn Session,
) -> Result<CodesPlan> {
    let (parts, memory) = stored.chosen(&grouping.filters());
    let grouped = Grouped {
        lake: Arc::clone(stored.lake()),
        parts,
        memory,
        prepared: Arc::new(Prepared::new(grouping, state)?),
    };
    Ok(CodesPlan::new("GroupedPlan", grouped, grouping.schema()?))
}

impl Grouped {
    /// The groups, found by so many tasks.
    async fn found(
        self: Arc<Self>,
        tasks: usize,
        pool: Arc<dyn MemoryPool>,
        bytes: Count,
    ) -> Result<RecordBatch> {
        let prepared = &self.prepared;
        let blocks = Blocks::new(
            &self.lake,
            prepared,
            self.parts.clone(),
            self.memory.clone(),
            bytes,
        );
        let blocks = Arc::new(blocks);
        let mut folding = JoinSet::new();
        for _ in 0..tasks {
            let (blocks, prepared) = (Arc::clone(&blocks), Arc::clone(prepared));
            let reservation = MemoryConsumer::new("groups").register(&pool);
            folding.spawn(async move {
                let mut fold = Fold::new(prepared);
                while let Some(block) = blocks.next().await? {
                    fold.add(block)?;
                    reservation.try_resize(fold.size())?;
                    // Whoever asked may be gone.
                    tokio::task::yield_now().await;
                }
                Ok((fold, reservation))
            });
        }
        let mut all: Option<Fold> = None;
        // What is reserved is kept to the end.
        let mut reserved = Vec::new();
        while let Some(folded) = folding.join_next().await {
            let (fold, reservation) = joined(folded)?;
            reserved.push(reservation);
            match &mut all {
                Some(all) => all.merge(fold),
                None => all = Some(fold),
            }
        }
        all.unwrap_or_else(|| Fold::new(Arc::clone(prepared)))
            .finish()
    }
}

impl Finding for Grouped {
    fn rows(
        self: Arc<Self>,
        context: &TaskContext,
        bytes: Count,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let config = context.session_config();
        let (tasks, rows) = (config.target_partitions(), config.batch_size());
        let found = self.found(tasks, Arc::clone(context.memory_pool()), bytes);
        let pieces = once(found).map_ok(move |found| {
            let starts = (0..found.num_rows()).step_by(rows);
            let pieces =
                starts.map(|start| Ok(found.slice(start, rows.min(found.num_rows() - start))));
            iter(pieces.collect::<Vec<_>>())
        });
        pieces.try_flatten().boxed()
    }
}
